"""The clock of a run: images seen, when to act, when to stop."""

import signal
from typing import Any

from insetgan.runtime.errors import Stopped
from insetgan.runtime.lightning import Callback, pl
from insetgan.runtime.processes import Agreement
from insetgan.training.options import RunOptions


class Clock(Callback):
    """Counts images on the host, ends the run, and turns SIGINT and SIGTERM into an orderly end after the step.

    A signal to one process ends all of them after the same step; a second SIGINT interrupts at once. Must come first
    among the callbacks; the others ask it.

    Args:
        options: of the run.
    """

    def __init__(self, options: RunOptions) -> None:
        self.options = options
        self.nimg = self.start_nimg = 0
        self.received: signal.Signals | None = None  # what all processes have agreed upon, after a step
        self._asked = 0  # what this process was sent, at any moment
        self._fast = False
        self._agreement: Agreement | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    @property
    def finished(self) -> bool:
        """Whether the step that has just ended is the last."""
        return self.nimg >= self.options.max_kimg * 1000 or self.received is not None or self._fast

    def passed(self, kimg: float) -> bool:
        """Whether the step that has just ended completed another `kimg` thousand images."""
        images = kimg * 1000
        return self.nimg // images > (self.nimg - self.options.batch_size) // images

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Read the clock and take the signals, after Lightning took them."""
        self.nimg = self.start_nimg = int(pl_module.cur_nimg)  # type: ignore[arg-type]
        self._fast = bool(trainer.fast_dev_run)  # type: ignore[attr-defined]
        self._agreement = Agreement()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._handlers[number] = signal.signal(number, self._receive)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Count, and end the run when it is time."""
        self.nimg += self.options.batch_size
        assert self._agreement is not None
        if number := self._agreement.largest(self._asked):
            self.received = signal.Signals(number)
        trainer.should_stop = self.finished

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give the signals back."""
        self._release()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Give the signals back."""
        self._release()

    def _release(self) -> None:
        while self._handlers:
            number, handler = self._handlers.popitem()
            signal.signal(number, handler)

    def _receive(self, number: int, _: Any) -> None:
        if self._asked and number == signal.SIGINT:
            raise Stopped(signal.Signals(number))
        self._asked = number
