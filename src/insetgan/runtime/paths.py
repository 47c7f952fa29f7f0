"""The one place that reads what users type as a path.

`~` and `~name` stand for home folders. `$VAR` stays as it is typed, since shells replace it and a name may hold a dollar sign.
Relative paths start at the folder in which the command was started. An "=" or a "," in a path means nothing special.
"""

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from insetgan.runtime.errors import UserError
from insetgan.runtime.settings import Words

ADDRESSES = ("https://", "http://", "hf:", "known:")
"""Beginnings of addresses from which weights are fetched; see `weights.address`."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def read_path(typed: str | os.PathLike[str], *, key: str = "path") -> Path:
    """Return the path that a user means.

    Args:
        typed: what was typed.
        key: what the setting is called, for messages.

    Raises:
        UserError: nothing but spaces, a zero byte, or a home folder that is not known.
    """
    try:
        return Path(_expanded(os.fspath(typed)))
    except TypeError:
        raise UserError(f"{key}={typed}: must be text, so put it in quotes") from None
    except ValueError as error:
        raise UserError(f"{key}={typed}: {error}") from error


def _expanded(typed: str) -> str:
    """The text with the home folder in the place of `~`.

    Raises:
        ValueError: what is wrong with it.
    """
    if not typed.strip():
        raise ValueError("must not be empty")
    if "\0" in typed:
        raise ValueError("must hold no zero byte")
    if re.match(_SCHEME, typed):
        known = f"{', '.join(ADDRESSES[:-1])} or {ADDRESSES[-1]}"
        raise ValueError(f"no such address is read: those of weights begin with {known}, all else must be a path")
    if not typed.startswith("~"):
        return typed
    found = os.path.expanduser(typed)
    if found.startswith("~"):
        user = typed[1:].partition("/")[0]
        reason = f"there is no user {user}" if user else "this user has no home folder (HOME is not set)"
        raise ValueError(f"{reason}; write the whole path, or ./{typed} for a name that begins with ~")
    return found


def _expanded_weights(typed: str) -> str:
    """The same for what may be an address of weights too."""
    return typed if typed.startswith(ADDRESSES) else _expanded(typed)


def _expanded_images(typed: str) -> str:
    """The same for what may be tar shards in an object store too."""
    if not re.match(_SCHEME, typed):
        return _expanded(typed)
    if not typed.endswith(".tar"):
        raise ValueError("an address of images names tar shards, such as s3://bucket/people-{0000..0199}.tar")
    return typed


UserPath = Annotated[str, AfterValidator(_expanded), Words("a path")]
"""A setting that holds a path, or a name such as that of an embedded model; `~` is replaced when it is read."""

UserWeights = Annotated[str, AfterValidator(_expanded_weights), Words("a path or an address")]
"""A setting that holds a path or the name of an embedded model, or an address from which weights are fetched."""

UserImages = Annotated[str, AfterValidator(_expanded_images), Words("a path or an address of tar shards")]
"""A setting that holds a path of images, or tar shards in an object store, such as s3://bucket/people-{0000..0199}.tar."""


def home_folder() -> Path | None:
    """Return the user's home folder, or None where there is none, as for a container's user without an entry in passwd."""
    found = os.path.expanduser("~")
    return None if found.startswith("~") else Path(found)
