"""What a training run does after each step."""

import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from insetgan.runtime.lightning import Callback, Logger, pl
from insetgan.runtime.loggers import log_image
from insetgan.runtime.processes import Agreement
from insetgan.runtime.signals import handle_stop_signals, raise_stopped, restore_signals
from insetgan.runtime.training_module import TrainingModule
from insetgan.training.metrics_log import CLOCK, MetricsCSV
from insetgan.training.options import RunOptions
from insetgan.training.progress import ProgressDisplay
from insetgan.training.quality import SECONDS, Quality
from insetgan.training.snapshot import refuse_not_finite, store, write_grids


class RunLoop(Callback):
    """Counts images, measures, logs, saves and stops.

    The signals of `signals.STOP_SIGNALS` end the run after the step, with everything saved. A signal to one process ends
    all of them after the same step; a second SIGINT interrupts at once.

    Args:
        options: of the run.
        quality: measures the generated images; None for nothing.
        console: for the progress display.

    Attributes:
        loggers: get the scalars of each tick, and the sample grids.
        nimg: images seen, on the host, so that reading it never waits for a device.
        start_nimg: images seen when this start of the run began.
        received: the signal that ends the run, agreed upon by all processes after a step; None before.
        saved: whether this start of the run has written a checkpoint.
        last_grid: the newest file with sample images.
    """

    def __init__(self, options: RunOptions, quality: Quality | None = None, console: Console | None = None) -> None:
        self.options, self.quality = options, quality
        self.loggers: Sequence[Logger] = ()
        self.nimg = self.start_nimg = 0
        self.received: signal.Signals | None = None
        self.saved = False
        self.last_grid: Path | None = None
        self._display = ProgressDisplay(console or Console(highlight=False, soft_wrap=True), options.max_kimg)
        self._dry = False  # fast_dev_run: one step, nothing kept
        self._improved = False  # whether the images of this step are the best so far
        self._measured: dict[str, float] = {}  # waits for the next tick
        self._asked = 0  # the signal that this process was sent, at any moment
        self._agreement: Agreement | None = None
        self._handlers: dict[signal.Signals, Any] = {}
        self._tick_nimg, self._tick_start = 0, 0.0

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Count, measure, log, save, stop, in this order.

        A checkpoint holds the measurement of its own step. Logs come before it: rows of steps that a kill undoes are
        dropped on resuming, and no row is missing.
        """
        assert isinstance(pl_module, TrainingModule)
        self._count()
        self._measure(trainer, pl_module)
        if self.finished or self._passed(self.options.tick_kimg):
            self._log(trainer, pl_module)
        if self.finished or self._passed(self.options.snapshot_kimg):
            self._save(trainer, pl_module)
        self._display.move(self.nimg)
        trainer.should_stop = self.finished

    @property
    def finished(self) -> bool:
        """Whether the step that has just ended is the last."""
        return self.nimg >= self.options.max_kimg * 1000 or self.received is not None or self._dry

    @property
    def state_key(self) -> str:
        """Name of this state in checkpoints. Versions before this class kept it under "Quality"; so does this one."""
        return "Quality"

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps beside the module and its optimisers."""
        return {} if self.quality is None else self.quality.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        if self.quality is not None:
            self.quality.load_state_dict(state_dict)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Read the count of a checkpoint, take the signals (after Lightning did), and show where the run starts."""
        assert isinstance(pl_module, TrainingModule)
        self.nimg = self.start_nimg = int(pl_module.cur_nimg)
        self._dry = bool(trainer.fast_dev_run)  # type: ignore[attr-defined]
        self._agreement = Agreement()
        self._handlers = handle_stop_signals(self._receive)
        self._tick_nimg, self._tick_start = self.nimg, time.perf_counter()
        if not trainer.is_global_zero:
            return
        for logger in self.loggers:
            if isinstance(logger, MetricsCSV):
                logger.start(self.nimg / 1000)
        self._display.start(self.nimg)
        if not self._dry:
            self._write_grids(pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give the signals back; leave the terminal in order and the logs whole."""
        self._release()
        for logger in self.loggers:
            logger.finalize("success")

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Give the signals back and leave the terminal in order."""
        self._release()

    def _count(self) -> None:
        """Count the images of the step, and agree with the other processes on a signal."""
        self.nimg += self.options.batch_size
        assert self._agreement is not None
        if number := self._agreement.largest(self._asked):
            self.received = signal.Signals(number)

    def _measure(self, trainer: pl.Trainer, module: TrainingModule) -> None:
        """Measure the images at a snapshot when it is time, and at the end; not after a signal, which asks for haste."""
        self._improved = False
        if self.quality is None or self._dry or self.received is not None:
            return
        if self.finished or (self._passed(self.options.snapshot_kimg) and self.quality.due(self.nimg)):
            self._measured = self.quality.measure(trainer, module)
            self._improved = self.quality.update(self._measured, self.nimg)

    def _log(self, trainer: pl.Trainer, module: TrainingModule) -> None:
        """Show the scalars of a tick and give them to the loggers."""
        scalars, self._measured = module.scalars() | self._measured, {}
        now = time.perf_counter()
        seconds = now - self._tick_start - scalars.get(SECONDS, 0.0)
        rate = (self.nimg - self._tick_nimg) / max(seconds, 1e-9)
        self._tick_nimg, self._tick_start = self.nimg, now
        if not trainer.is_global_zero:
            return
        self._display.show(self.nimg, rate, scalars)
        for logger in self.loggers:
            logger.log_metrics({CLOCK: self.nimg / 1000, **_resources(rate), **scalars}, step=self.nimg)

    def _save(self, trainer: pl.Trainer, module: TrainingModule) -> None:
        """Write checkpoint, networks and sample grids, but never weights that are not finite over good ones."""
        if self._dry:
            return
        refuse_not_finite(module, self.nimg)
        about = {**self.options.metadata, "kimg": self.nimg / 1000}
        if self._improved and self.quality is not None:
            # Before last.ckpt, which remembers this best: killed in between, the run measures again and writes it again.
            store(trainer, module, self.options.out, "best", **about, **self.quality.measured)
        store(trainer, module, self.options.out, "last", **about)
        self.saved = True
        if trainer.is_global_zero:
            self._write_grids(module)

    def _write_grids(self, module: TrainingModule) -> None:
        for name, (path, image) in write_grids(module, self.options, self.nimg).items():
            self.last_grid = path
            for logger in self.loggers:
                log_image(logger, f"Samples/{name}", image, self.nimg)

    def _passed(self, kimg: float) -> bool:
        """Whether the step that has just ended completed another `kimg` thousand images."""
        images = kimg * 1000
        return self.nimg // images > (self.nimg - self.options.batch_size) // images

    def _receive(self, number: int, frame: Any) -> None:
        if self._asked and number == signal.SIGINT:
            raise_stopped(number, frame)
        self._asked = number

    def _release(self) -> None:
        restore_signals(self._handlers)
        self._display.close()


def _resources(rate: float) -> dict[str, float]:
    """Speed in images a second and seconds a thousand images, and on a GPU the memory at its peak."""
    found = {"Timing/images_per_sec": rate, "Timing/sec_per_kimg": 1000 / rate}
    if torch.cuda.is_available():
        found["Resources/peak_gpu_mem_gb"] = torch.cuda.max_memory_allocated() / 2**30
    return found
