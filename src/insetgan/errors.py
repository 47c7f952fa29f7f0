"""The one error that a user can mend."""


class UserError(ValueError):
    """A mistake in what the user gave: one line naming the key, the value and what is allowed.

    The entry points print it as it stands and exit with code 2; everything else that is raised is a bug of ours.
    """
