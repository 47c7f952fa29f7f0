"""Feature passes behind a Trainer: which process describes which block, and on which device, comes from there."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from insetgan.evaluation.cell import DIVERSITY, PATH
from insetgan.evaluation.crops import BODY, Crops, Seen
from insetgan.evaluation.feature_folder import Described, FeatureFolder
from insetgan.evaluation.images import ImageSource
from insetgan.evaluation.taken import MAIN, counts_of, kept_as
from insetgan.metrics.diversity import pair_distances
from insetgan.metrics.features import FeatureExtractor
from insetgan.metrics.judges import Judge, enlarged
from insetgan.metrics.path_length import path_lengths
from insetgan.metrics.perceptual import Distance
from insetgan.networks.owned import move, owned_networks
from insetgan.runtime.lightning import pl


class DescriptionModule(pl.LightningModule):
    """Draws blocks of images, cuts the regions out and describes them; a batch of the predict loop is a list of seeds.

    Everything happens in the block, whose images are always the same: features cannot depend on how blocks are shared.

    Args:
        source: of the images.
        crops: the regions.
        extractor: describes them; None for not.
        distance: of images, to measure how far each is from another one; None for not.
        path: generator whose path lengths are measured by the same distance; None for not.
        further: more extractors, by name.
        judges: that look at whole images, by the key under which what they say is kept.
    """

    def __init__(
        self,
        source: ImageSource,
        crops: Crops,
        extractor: FeatureExtractor | None,
        *,
        distance: Distance | None = None,
        path: nn.Module | None = None,
        further: Mapping[str, FeatureExtractor] | None = None,
        judges: Mapping[str, Judge] | None = None,
    ) -> None:
        super().__init__()
        self.source, self.crops, self.distance, self.path = source, crops, distance, path
        self.extractors = ({} if extractor is None else {MAIN: extractor}) | dict(further or {})
        self.judges = dict(judges or {})
        self._owners = [crops.detector, *self.extractors.values(), distance, *source.networks]
        self.networks = nn.ModuleList([network for owner in self._owners for network in owned_networks(owner)])

    def on_predict_start(self) -> None:
        """Move what is no network, such as a detector of the user's own, to the device."""
        for owner in self._owners:
            move(owner, self.device)

    @torch.no_grad()
    def predict_step(self, batch: Sequence[int], *_: Any) -> Described | None:
        """Describe one block; None for an empty one."""
        if not batch:
            return None
        drawn = self.source.images(batch)
        pixels = drawn.pixels.to(self.device)
        regions, squares = self.crops(pixels), self.crops.squares(pixels, batch)
        shown = {name: seen.images for name, seen in regions.items()}
        features = self._features(shown | {name: each.images for name, each in squares.items()})
        figures = dict(drawn.measures) | {counts_of(name): each.counts.double() for name, each in squares.items()}
        if self.judges:
            large = enlarged(drawn.pixels.cpu())
            figures |= {key: judge.seen(large).double() for key, judge in self.judges.items()}
        if self.distance is not None:
            figures |= {f"{DIVERSITY}.{name}": self._diversity(seen) for name, seen in regions.items()}
        if self.path is not None and self.distance is not None:
            figures[f"{PATH}.{BODY}"] = path_lengths(self.path, self.distance, batch, device=self.device)
        return Described(features, {name: seen.found.cpu() for name, seen in regions.items()}, figures)

    def _features(self, images: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """By `kept_as`, of what each extractor is shown."""
        found = {}
        for name, extractor in self.extractors.items():
            for region, shown in images.items():
                described = extractor(shown).cpu() if len(shown) else torch.zeros(0, extractor.num_features)
                found[kept_as(region, name)] = described
        return found

    def _diversity(self, seen: Seen) -> Tensor:
        """Distance of each image to the next one of its block, the last one's to the first; float64 [n], NaN where none.

        Neighbouring seeds are independent, so these are random pairs, and none needs an image of another block.
        """
        assert self.distance is not None
        there, count = seen.found.cpu(), len(seen.images)
        distances = torch.full((len(there),), torch.nan, dtype=torch.float64)
        if count >= 2:
            pairs = [(i, (i + 1) % count) for i in range(count if count > 2 else 1)]  # of two there is one pair only
            found = pair_distances(lambda i: seen.images[list(i)], pairs, self.distance, device=self.device)
            distances[there.nonzero()[: len(pairs), 0]] = found
        return distances


class DescriptionWriter(pl.callbacks.BasePredictionWriter):
    """Writes the features of every block as soon as they are known, and passes on how many images are done.

    Args:
        folder: where to.
        on_progress: called with the images described and the images in all.
        done: images that were described before.
        total: in all.
    """

    def __init__(
        self, folder: FeatureFolder, on_progress: Callable[[int, int], None], *, done: int, total: int
    ) -> None:
        super().__init__(write_interval="batch")
        self.folder, self.on_progress, self.done, self.total = folder, on_progress, done, total

    def write_on_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: Described | None,
        batch_indices: Sequence[int] | None,
        batch: Sequence[int],
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write the features of the block."""
        if prediction is None:
            return
        self.folder.add(batch, prediction)
        # The other processes are about as far as this one.
        self.done = min(self.done + len(batch) * trainer.world_size, self.total)
        self.on_progress(self.done, self.total)
