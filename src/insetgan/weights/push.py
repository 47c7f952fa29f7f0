"""Files for the Hugging Face Hub: one commit to a repository, which is made if there is none."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insetgan.runtime.errors import UserError
from insetgan.weights.fetch import is_offline
from insetgan.weights.hub import HubFile

CARD = "README.md"
_NO_TOKEN = "needs a token that may write: HF_TOKEN=..., or `hf auth login`"


@dataclass(frozen=True)
class Target:
    """Where a push goes, once it is known that it can.

    Attributes:
        place: repository, revision and file.
        shown: setting and value, for messages.
        new: whether the repository does not exist yet.
        there: names among those that will be written that it holds already.
    """

    place: HubFile
    shown: str
    new: bool
    there: frozenset[str]


def look(address: str, *, also: tuple[str, ...] = (), overwrite: bool = False, key: str = "out") -> Target:
    """See whether a file can be pushed to its place, before any work is done for it.

    HF_ENDPOINT, HF_HOME and HF_TOKEN mean what they mean to huggingface_hub.

    Args:
        address: hf:OWNER/REPO[@REVISION]:FILE.
        also: further names that would be written.
        overwrite: whether a file of this name may be replaced.
        key: what the setting is called, for messages.

    Raises:
        UserError: another form, offline, no token, no connection, no right to look, or such a file is there.
    """
    place, shown = HubFile.parse(address, key=key), f"{key}={address}"
    if is_offline():
        raise UserError(f"{shown}: cannot be pushed while INSETGAN_OFFLINE or HF_HUB_OFFLINE is set")
    import huggingface_hub
    from huggingface_hub import errors

    with _one_line(shown, place):
        if huggingface_hub.get_token() is None:
            raise UserError(f"{shown}: {_NO_TOKEN}")
        try:
            found = _api().get_paths_info(place.repo, [place.file, *also], revision=place.revision)
        except errors.RevisionNotFoundError:
            found = []
        except errors.RepositoryNotFoundError:
            return Target(place, shown, True, frozenset())
    there = frozenset(each.path for each in found)
    if place.file in there and not overwrite:
        raise UserError(f"{shown}: exists already in {place.repo}; give another name, or overwrite=true")
    return Target(place, shown, False, there)


def push(target: Target, files: Mapping[str, Path | bytes], *, private: bool | None = None) -> str:
    """Commit files to a repository, all at once.

    Args:
        target: that `look` found.
        files: by their names in the repository.
        private: whether a repository that is made is private; None leaves that to the account.

    Returns:
        The address of the commit.

    Raises:
        UserError: the Hub refuses it, or it cannot be reached. Nothing is committed then.
    """
    from huggingface_hub import CommitOperationAdd

    place = target.place
    with _one_line(target.shown, place):
        api = _api()
        if target.new:
            api.create_repo(place.repo, private=private, exist_ok=True)
        if place.revision is not None:
            api.create_branch(place.repo, branch=place.revision, exist_ok=True)
        operations = [
            CommitOperationAdd(name, content if isinstance(content, bytes) else str(content))
            for name, content in files.items()
        ]
        said = f"Add {place.file}, by InsetGAN's convert.py"
        return str(api.create_commit(place.repo, operations, commit_message=said, revision=place.revision).commit_url)


def _api() -> Any:
    from huggingface_hub import HfApi

    return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, library_name="insetgan")


@contextmanager
def _one_line(shown: str, place: HubFile) -> Iterator[None]:
    """Say what the Hub refuses as a mistake of one line."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except UserError:
        raise
    except errors.HFValidationError as error:
        raise UserError(f"{shown}: {_words(error)}") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status in (401, 403):
            owner = place.repo.partition("/")[0]
            raise UserError(f"{shown}: the token may not write to {owner}'s repositories; it {_NO_TOKEN}") from error
        raise UserError(f"{shown}: the Hub refuses it ({_words(error)})") from error
    except (httpx2.HTTPError, OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{shown}: cannot be pushed ({_words(error) or type(error).__name__})") from error


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
