"""The one error that a user can mend, and the end that a signal asks for."""

import signal


class UserError(ValueError):
    """A mistake in what the user gave: one line naming the key, the value and what is allowed.

    The entry points print it as it stands and exit with code 2; everything else that is raised is a bug of ours.
    """


class RunFailed(Exception):
    """One run of a sweep could not be done: the line that says why. The other runs go on."""


class Stopped(BaseException):
    """A signal that asks to stop (`signals.STOP_SIGNALS`), as an exception that no framework takes for its own and swallows.

    Args:
        number: the signal.
        said: a line has told of it.
    """

    def __init__(self, number: signal.Signals, said: bool = False) -> None:
        super().__init__(number)
        self.number, self.said = number, said
