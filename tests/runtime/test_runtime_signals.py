"""Five signals ask a command to stop; one that is ignored from the start stays ignored."""

import os
import signal

import pytest

from insetgan.runtime.errors import Stopped
from insetgan.runtime.signals import STOP_SIGNALS, handle_stop_signals, raise_stopped, restore_signals


def test_a_terminal_that_closes_and_a_cluster_that_ends_a_job_are_heard():
    assert [number.name for number in STOP_SIGNALS] == ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"]


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_each_is_raised_by_name_and_its_handler_is_given_back(number):
    before = signal.getsignal(number)
    handlers = handle_stop_signals(raise_stopped)
    try:
        with pytest.raises(Stopped) as error:
            os.kill(os.getpid(), number)
            signal.sigtimedwait([], 0.1)  # the handler runs before this returns
    finally:
        restore_signals(handlers)
    assert error.value.number == number
    assert signal.getsignal(number) == before and not handlers


def test_what_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        handlers = handle_stop_signals(raise_stopped)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN and signal.SIGHUP not in handlers
        restore_signals(handlers)
    finally:
        signal.signal(signal.SIGHUP, before)
