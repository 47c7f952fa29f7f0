"""What the terminal and the logs show of a run."""

import time
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from insetgan.runtime.lightning import Callback, Logger, WandbLogger, pl
from insetgan.training.clock import Clock
from insetgan.training.metrics_log import CLOCK, MetricsCSV
from insetgan.training.options import RunOptions
from insetgan.training.quality import SECONDS, Quality
from insetgan.training.snapshot import Snapshots

_SHORT = {
    "Loss/G/loss": "G",
    "Loss/D/loss": "D",
    "Loss/r1_penalty": "r1",
    "Loss/pl_penalty": "pl",
    "Loss/signs/real": "sign(real)",
    "Loss/signs/fake": "sign(fake)",
    "Progress/augment": "p",
    "Metrics/frechet_parts": "frechet_parts",
    "Metrics/fid": "fid",
}


@runtime_checkable
class TickScalars(Protocol):
    """A training module that keeps its own means; others are asked through `self.log`."""

    def tick_scalars(self) -> dict[str, float]:
        """Means since the last call."""
        ...


class Ticks(Callback):
    """A line with kimg, images/s, time left and losses every `tick_kimg`, a live bar on a terminal, and the loggers.

    Args:
        options: of the run.
        clock: of the run.
        snapshots: whose grids go to the loggers that take pictures.
        quality: whose measurements go to the loggers.
        loggers: get every tick's scalars.
        console: where to write; a bar is shown if it is a terminal.
    """

    def __init__(
        self,
        options: RunOptions,
        clock: Clock,
        snapshots: Snapshots,
        quality: Quality | None = None,
        loggers: Sequence[Logger] = (),
        console: Console | None = None,
    ) -> None:
        self.options, self.clock, self.snapshots, self.quality = options, clock, snapshots, quality
        self.loggers = loggers
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        self._tick_nimg, self._tick_start = 0, 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clocks."""
        self._tick_nimg, self._tick_start = self.clock.nimg, time.perf_counter()
        for logger in self.loggers:
            if isinstance(logger, MetricsCSV) and trainer.is_global_zero and not trainer.fast_dev_run:  # type: ignore[attr-defined]
                logger.start(self.clock.nimg / 1000)
        if self.console.is_terminal and trainer.is_global_zero:
            self._bar = Progress(BarColumn(bar_width=24), TextColumn("{task.description}"), console=self.console)
            self._bar.add_task("starting", total=self.options.max_kimg * 1000, completed=self.clock.nimg)
            self._bar.start()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Move the bar; at a tick write the line and log."""
        if self.clock.passed(self.options.tick_kimg) or self.clock.finished:
            self._tick(trainer, pl_module)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self.clock.nimg)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Leave the terminal in order."""
        self._close()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the terminal in order and the logs whole."""
        self._close()
        self._log_grids()
        for logger in self.loggers:
            logger.finalize("success")

    def _tick(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if isinstance(module, TickScalars):
            scalars = module.tick_scalars()
        else:
            scalars = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if self.quality is not None:
            scalars |= self.quality.take()
        now = time.perf_counter()
        images = self.clock.nimg - self._tick_nimg
        measuring = scalars.get(SECONDS, 0.0)
        rate = images / max(now - self._tick_start - measuring, 1e-9)
        self._tick_nimg, self._tick_start = self.clock.nimg, now
        if trainer.is_global_zero:
            self._show(scalars, rate)
            if not trainer.fast_dev_run:  # type: ignore[attr-defined]
                self._log({CLOCK: self.clock.nimg / 1000, **_resources(rate), **scalars})

    def _show(self, scalars: dict[str, float], rate: float) -> None:
        kimg, total = self.clock.nimg / 1000, self.options.max_kimg
        left = max(total - kimg, 0) * 1000 / rate
        shown = {short: scalars[name] for name, short in _SHORT.items() if name in scalars} or scalars
        losses = "  ".join(f"{name} {value:.3f}" for name, value in shown.items())
        line = f"kimg {kimg:.2f}/{total:g}  {rate:.1f} images/s  {duration(left)} left  {losses}"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], description=line)
        else:
            self.console.print(line, markup=False)

    def _log(self, scalars: dict[str, float]) -> None:
        for logger in self.loggers:
            logger.log_metrics(scalars, step=self.clock.nimg)
        self._log_grids()

    def _log_grids(self) -> None:
        for logger in self.loggers:
            if isinstance(logger, WandbLogger):
                for name, picture in self.snapshots.grids.items():
                    logger.log_image(f"Samples/{name}", [picture.numpy()], step=self.clock.nimg)
        self.snapshots.grids = {}

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _resources(rate: float) -> dict[str, float]:
    """Speed in images a second and seconds a thousand images, and on a GPU the memory at its peak."""
    found = {"Timing/images_per_sec": rate, "Timing/sec_per_kimg": 1000 / rate}
    if torch.cuda.is_available():
        found["Resources/peak_gpu_mem_gb"] = torch.cuda.max_memory_allocated() / 2**30
    return found


def duration(seconds: float) -> str:
    """Seconds as 1h02m, 12m05s or 9s."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 60}m{whole % 60:02d}s" if whole >= 60 else f"{whole}s"
