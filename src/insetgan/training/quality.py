"""How far a generator's pictures are from the real ones, measured while it is trained."""

import math
import time
from typing import Any

import torch

from insetgan.metrics.distribution import Reference, metric_names
from insetgan.metrics.features import FeatureExtractor, describe
from insetgan.metrics.pictures import generated_pictures, real_pictures
from insetgan.runtime.lightning import Callback, pl
from insetgan.training.clock import Clock
from insetgan.training.options import RunOptions
from insetgan.training.samples import Samples

SECONDS = "Timing/metrics_sec"


class Quality(Callback):
    """Measures Fréchet and kernel distance at snapshots, and remembers the best over all starts of the run.

    Comes after the Clock, whom it asks, and before Snapshots, so that a checkpoint holds what was measured at its time.
    The latents are those of seeds 0, 1, ... every time, without truncation; the real pictures are described once.
    Training goes on as if nothing had been measured: random numbers, modes and weights are left alone. Of several
    processes the first measures while the others wait.

    Args:
        options: of the run.
        clock: of the run.
        extractor: describes the pictures.
        dataset: the real pictures, see `pictures.real_pictures`; its `labels` [n, c_dim], if it has any, are drawn from, or the
            `choices` of a module that has such, which its `sample` takes in their place.
        z_dim: of the latents that the module's `sample` takes.
        every_kimg: thousand images between two measurements; they wait for the next snapshot.
        num: generated pictures. With fewer the distance is larger and noisier: compare at one number only.
        num_real: real pictures at most, a fixed choice.
        mirror: real pictures flipped left to right as well, if training sees them so. The field's FID leaves them out.

    Attributes:
        scalars: the newest measurement until `take` is called, by the names of `distribution.metric_names`.
        improved: whether the step that has just ended was measured, and its Fréchet distance is the lowest so far.
        best: the lowest Fréchet distance so far, infinite before the first.
        best_kimg: when that was.
    """

    def __init__(
        self,
        options: RunOptions,
        clock: Clock,
        extractor: FeatureExtractor,
        dataset: Any,
        z_dim: int,
        *,
        every_kimg: float,
        num: int = 1000,
        num_real: int = 10_000,
        mirror: bool = False,
    ) -> None:
        for name, value, least in (("num", num, 2), ("num_real", num_real, 2)):
            if value < least:
                raise ValueError(f"{name}={value}: must be {least} or more")
        if not 0 < every_kimg < math.inf:
            raise ValueError(f"every_kimg={every_kimg}: must be above 0, and finite")
        self.options, self.clock, self.extractor, self.dataset, self.z_dim = options, clock, extractor, dataset, z_dim
        self.every_kimg, self.num, self.num_real, self.mirror = every_kimg, num, num_real, mirror
        self.name = metric_names(extractor.name)[0]
        # Distances to or of other numbers of pictures differ for that alone.
        self.measures = f"{self.name} {num} {min(num_real, len(dataset))} {mirror}"
        self.scalars: dict[str, float] = {}
        self.improved, self.best, self.best_kimg = False, math.inf, 0.0
        self._measured = 0  # images seen when it was measured last
        self._reference: Reference | None = None

    @property
    def measured(self) -> dict[str, float]:
        """The best distance, by its short name, for whoever stores these weights."""
        return {self.name.removeprefix("Metrics/"): round(self.best, 5)}

    def take(self) -> dict[str, float]:
        """Give a measurement away, for the logs; empty if there is none since the last call."""
        scalars, self.scalars = self.scalars, {}
        return scalars

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"measures": self.measures, "best": self.best, "best_kimg": self.best_kimg, "measured": self._measured}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint, but with a best of its own where another distance was measured before."""
        self._measured = state_dict["measured"]
        if state_dict["measures"] == self.measures:
            self.best, self.best_kimg = state_dict["best"], state_dict["best_kimg"]

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Measure when it is time; a run that was asked to stop stops."""
        self.improved = False
        if self._due() and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            self.scalars = self.measure(trainer, pl_module)
            self._measured = self.clock.nimg
            distance = self.scalars[self.name]
            self.improved = distance < self.best  # never true of a distance that is not a number
            if self.improved:
                self.best, self.best_kimg = distance, self.clock.nimg / 1000

    def measure(self, trainer: pl.Trainer, module: pl.LightningModule) -> dict[str, float]:
        """Measure now; to be called in every process of the run.

        Returns:
            The two distances, not a number if a picture is not finite, and the seconds that it took, in every process.
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

    def _distances(self, module: pl.LightningModule) -> dict[str, float]:
        assert isinstance(module, Samples)
        if self._reference is None:
            real = real_pictures(self.dataset, self.num_real, mirror=self.mirror)
            self._reference = Reference(self.extractor.name, describe(self.extractor, real, module.device))
        labels = getattr(module, "choices", getattr(self.dataset, "labels", None))
        generated = generated_pictures(module.sample, self.z_dim, self.num, labels=labels)
        try:
            return self._reference.distances(describe(self.extractor, generated, module.device))
        except FloatingPointError:
            return dict.fromkeys(self._reference.names, math.nan)

    def _due(self) -> bool:
        if self.clock.received is not None:
            return False
        if self.clock.finished:
            return True
        images = self.every_kimg * 1000
        late = self.clock.nimg // images > self._measured // images
        return late and self.clock.passed(self.options.snapshot_kimg)
