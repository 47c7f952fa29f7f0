"""How far a generator's images are from the real ones, measured during training."""

import math
import time
from typing import Any

import torch

from insetgan.metrics.distribution import Reference, metric_names
from insetgan.metrics.features import FeatureExtractor, describe
from insetgan.metrics.images import real_images
from insetgan.runtime.lightning import pl
from insetgan.runtime.training_module import TrainingModule
from insetgan.training.quality_settings import QualitySettings

SECONDS = "Timing/metrics_sec"


class Quality:
    """Measures Fréchet and kernel distance, and remembers the best over all starts of the run.

    The latents are those of seeds 0, 1, ... every time, without truncation; the features of the real images are computed
    once. Training goes on as if nothing had been measured: random numbers, modes and weights do not change. Of several
    processes the first measures while the others wait.

    Args:
        extractor: makes features of images.
        dataset: the real images, see `images.real_images`.
        mirror: use real images flipped left to right as well, if training does. The field's FID leaves them out.
        settings: the fields of `quality_settings.QualitySettings`. With fewer images the distance is larger and noisier:
            compare at one number only. The real images are a fixed choice.

    Attributes:
        best: the lowest Fréchet distance so far, infinite before the first.
        best_kimg: thousand images seen at that time.

    Raises:
        SettingError: a setting outside its range.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        dataset: Any,
        *,
        mirror: bool = False,
        **settings: Any,
    ) -> None:
        chosen = QualitySettings(**settings)
        self.extractor, self.dataset = extractor, dataset
        self.every_kimg, self.num, self.num_real, self.mirror = chosen.every_kimg, chosen.num, chosen.num_real, mirror
        self.name = metric_names(extractor.name)[0]
        # Distances with other numbers of images differ for that alone.
        self.measures = f"{self.name} {self.num} {min(self.num_real, len(dataset))} {mirror}"
        self.best, self.best_kimg = math.inf, 0.0
        self._measured = 0  # images seen at the last measurement
        self._reference: Reference | None = None

    @property
    def measured(self) -> dict[str, float]:
        """The best distance, by its short name, for the header of the weights file."""
        return {self.name.removeprefix("Metrics/"): round(self.best, 5)}

    def due(self, nimg: int) -> bool:
        """Whether a snapshot after `nimg` images shall be measured."""
        images = self.every_kimg * 1000
        return nimg // images > self._measured // images

    def update(self, scalars: dict[str, float], nimg: int) -> bool:
        """Note a measurement after `nimg` images; returns whether its Fréchet distance is the lowest so far."""
        self._measured, distance = nimg, scalars[self.name]
        improved = distance < self.best  # never true of a distance that is not a number
        if improved:
            self.best, self.best_kimg = distance, nimg / 1000
        return improved

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"measures": self.measures, "best": self.best, "best_kimg": self.best_kimg, "measured": self._measured}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint; the best is forgotten if another distance was measured there."""
        self._measured = state_dict["measured"]
        if state_dict["measures"] == self.measures:
            self.best, self.best_kimg = state_dict["best"], state_dict["best_kimg"]

    def measure(self, trainer: pl.Trainer, module: TrainingModule) -> dict[str, float]:
        """Measure now; to be called in every process of the run.

        Returns:
            The two distances (NaN if an image is not finite) and the seconds that it took, the same in every process.
        """
        scalars: dict[str, float] = {}
        if trainer.is_global_zero:
            start = time.perf_counter()
            device = module.device
            with torch.no_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
                scalars = self._distances(module)
            scalars[SECONDS] = time.perf_counter() - start
        shared: dict[str, float] = trainer.strategy.broadcast(scalars)
        return shared

    def _distances(self, module: TrainingModule) -> dict[str, float]:
        if self._reference is None:
            real = real_images(self.dataset, self.num_real, mirror=self.mirror)
            self._reference = Reference(self.extractor.name, describe(self.extractor, real, module.device))
        try:
            return self._reference.distances(describe(self.extractor, module.generated(self.num), module.device))
        except FloatingPointError:
            return dict.fromkeys(self._reference.names, math.nan)
