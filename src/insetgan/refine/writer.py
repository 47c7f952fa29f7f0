"""Writing samples while a Trainer refines."""

from collections.abc import Sequence

from insetgan.refine.module import Refined
from insetgan.refine.refined_samples import RefinedSamples
from insetgan.runtime.lightning import pl


class SampleWriter(pl.callbacks.BasePredictionWriter):
    """Writes every block as soon as it is done.

    Args:
        samples: where to.
    """

    def __init__(self, samples: RefinedSamples) -> None:
        super().__init__(write_interval="batch")
        self.samples = samples

    def write_on_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: Refined | None,
        batch_indices: Sequence[int] | None,
        batch: Sequence[int],
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write the samples of the block that was refined, and remove its unfinished state."""
        if prediction is not None:
            self.samples.add(batch, prediction.result, prediction.films)
            self.samples.folder.remove_partial(block_key(batch))


def block_key(block: Sequence[int]) -> str:
    """Name of the unfinished state of a block; see `ResultFolder.partial`."""
    return str(block[0]) if len(block) == 1 else f"{block[0]}-and-{len(block) - 1}-more"
