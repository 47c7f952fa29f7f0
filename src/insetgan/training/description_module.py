"""Feature passes behind a Trainer: which process describes which block, and on which device, comes from there."""

from collections.abc import Callable, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn

from insetgan.evaluation.crops import Crops
from insetgan.evaluation.feature_folder import Described, FeatureFolder
from insetgan.evaluation.pictures import Pictures
from insetgan.metrics.features import FeatureExtractor


class DescriptionModule(pl.LightningModule):
    """Draws blocks of pictures, cuts the regions out and describes them; a batch of the predict loop is a list of seeds.

    Everything happens in the block, whose pictures are always the same: features cannot depend on how blocks are shared.

    Args:
        source: of the pictures.
        crops: the regions.
        extractor: describes them.
    """

    def __init__(self, source: Pictures, crops: Crops, extractor: FeatureExtractor) -> None:
        super().__init__()
        self.source, self.crops, self.extractor = source, crops, extractor
        owners = [crops.detector, getattr(crops.detector, "network", None), extractor, *source.networks]
        self.networks = nn.ModuleList([owner for owner in owners if isinstance(owner, nn.Module)])

    @torch.no_grad()
    def predict_step(self, batch: Sequence[int], *_: Any) -> Described:
        """Describe one block."""
        drawn = self.source.draw(batch)
        regions = self.crops(drawn.pictures.to(self.device))
        nothing = torch.zeros(0, self.extractor.num_features)
        return Described(
            {name: self.extractor(seen.pictures).cpu() if len(seen.pictures) else nothing for name, seen in regions.items()},
            {name: seen.found.cpu() for name, seen in regions.items()},
            drawn.figures,
        )


class DescriptionWriter(pl.callbacks.BasePredictionWriter):
    """Writes the features of every block as soon as they are known, and passes on how many pictures are done.

    Args:
        folder: where to.
        on_progress: called with the pictures described and the pictures in all.
        done: pictures that were described before.
        total: in all.
    """

    def __init__(self, folder: FeatureFolder, on_progress: Callable[[int, int], None], *, done: int, total: int) -> None:
        super().__init__(write_interval="batch")
        self.folder, self.on_progress, self.done, self.total = folder, on_progress, done, total

    def write_on_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: Described,
        batch_indices: Sequence[int] | None,
        batch: Sequence[int],
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write the features of the block."""
        self.folder.add(batch, prediction)
        # The other processes are about as far as this one.
        self.done = min(self.done + len(batch) * trainer.world_size, self.total)
        self.on_progress(self.done, self.total)
