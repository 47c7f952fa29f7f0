"""The signals that ask a command to stop."""

import signal
from collections.abc import Callable
from typing import Any, NoReturn

from insetgan.runtime.errors import Stopped

STOP_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)  # Windows has the first two only
)
"""An interrupt, a stop, a closed terminal, and the two by which clusters announce the end of a job."""


def handle_stop_signals(handler: Callable[[int, Any], Any]) -> dict[signal.Signals, Any]:
    """Call `handler(number, frame)` at each of `STOP_SIGNALS`.

    A signal that this process was started to ignore stays ignored: `nohup` does so with SIGHUP.

    Returns:
        The handlers before, by signal, for `restore_signals`.
    """
    before: dict[signal.Signals, Any] = {}
    for number in STOP_SIGNALS:
        if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, handler)
    return before


def restore_signals(handlers: dict[signal.Signals, Any]) -> None:
    """Put back what `handle_stop_signals` returned; the dictionary is empty afterwards."""
    while handlers:
        number, handler = handlers.popitem()
        signal.signal(number, handler)


def ignore_stop_signals() -> None:
    """Ignore all of `STOP_SIGNALS`, as helper processes do that another process ends."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def raise_stopped(number: int, _: Any) -> NoReturn:
    """Handle a signal by raising `Stopped`."""
    raise Stopped(signal.Signals(number))
