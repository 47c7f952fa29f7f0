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
        """Write the samples of the block that was refined."""
        if prediction is not None:
            self.samples.add(batch, prediction.result, prediction.films)
