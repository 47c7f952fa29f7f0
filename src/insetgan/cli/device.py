"""The device of commands that compute in one process."""

import torch

from insetgan.runtime.errors import UserError


def choose_device(wanted: str) -> str:
    """Return "cpu" or "cuda" for `device=auto|cpu|cuda`.

    Raises:
        UserError: cuda is wanted, and this machine has none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise UserError("device=cuda: no such device here; device=cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted
