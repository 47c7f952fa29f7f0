"""The base class of everything that train.py trains."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from insetgan.runtime.lightning import pl


class TrainingModule(pl.LightningModule):
    """A LightningModule that counts the images it has seen, and says what a run shows, stores and checks.

    A subclass advances `cur_nimg` by the batch size in each `training_step`. All other methods have a default, which does
    nothing, and are overridden where there is something to do.

    Attributes:
        cur_nimg: images seen, a buffer, and so part of each checkpoint.
        draws_images: whether `generated` gives images, so that their quality can be measured.
        manual_ddp: whether the module averages its gradients over processes itself (`processes.PhaseDDP`).
    """

    cur_nimg: Tensor
    draws_images = False
    manual_ddp = False

    def __init__(self) -> None:
        """Start at zero images."""
        super().__init__()
        self.register_buffer("cur_nimg", torch.zeros((), dtype=torch.long))

    def group_size(self, processes: int) -> int:
        """Number of samples that one process must compute together; it divides the share of each process.

        Raises:
            ValueError: the batch cannot be divided among so many processes.
        """
        return 1

    def scalars(self) -> dict[str, float]:
        """Means since the last call, by the name under which they are logged. Default: what `self.log` was given."""
        metrics: Any = self.trainer.callback_metrics
        return {name: float(value) for name, value in metrics.items()}

    def check_losses(self) -> None:
        """Raise `training.meter.NotFiniteError` if a loss since the last call was not finite."""

    def grids(self, count: int) -> dict[str, Tensor]:
        """Sheets of at most `count` sample images: name -> uint8 [h, w, 3]."""
        return {}

    def generated(self, num: int) -> Iterator[Tensor]:
        """Batches uint8 [n, 3, h, w] of `num` generated images of fixed seeds, for measurements.

        Raises:
            FloatingPointError: an image is not finite.
        """
        return iter(())

    def exports(self) -> dict[str, tuple[nn.Module, str]]:
        """Networks to store in files of their own: file stem -> (network, kind for `weights.store.save_network`)."""
        return {}

    def about(self) -> dict[str, Any]:
        """What the headers of these files say besides, anything that JSON can hold."""
        return {}

    def starting_points(self) -> dict[str, str | None]:
        """Networks that `init=` may fill with the weights of another run.

        Returns:
            Name of the network in the state dict -> the kind of a safetensors file that fills it, or None if only the
            network of the same name in a checkpoint does.
        """
        return {}

    def continue_network(
        self, name: str, source: Mapping[str, Tensor], *, new: Sequence[str], adapted: Sequence[str]
    ) -> None:
        """Make the tensors of a network that could not be copied from a source agree with those that were.

        Args:
            name: of the network, one of `starting_points`.
            source: the state dict that was copied.
            new: names of tensors that the source does not have.
            adapted: names of tensors that have another shape there, and of which a part can be used.
        """
