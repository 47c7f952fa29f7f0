"""Files of the Hugging Face Hub: `hf:owner/repo[@revision]:file`, through huggingface_hub and its own cache."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.weights.fetch import is_offline
from insetgan.weights.first_use import check_first_use

_FORM = re.compile(r"hf:(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^:\s]+))?:(?P<file>[^:]+)", re.ASCII)


@dataclass(frozen=True)
class HubFile:
    """A file of a repository.

    Attributes:
        repo: owner and name.
        revision: a branch, a tag or a commit; None is the main branch.
        file: its path in the repository.
    """

    repo: str
    revision: str | None
    file: str

    @classmethod
    def parse(cls, address: str, *, key: str) -> "HubFile":
        """Read an address.

        Raises:
            UserError: it has another form.
        """
        match = _FORM.fullmatch(address)
        if match is None or ".." in match["file"].split("/") or match["file"].startswith("/"):
            raise UserError(f"{key}={address}: must be hf:OWNER/REPO:FILE or hf:OWNER/REPO@REVISION:FILE")
        return cls(match["repo"], match["revision"], match["file"])


def fetch_from_hub(address: str, *, key: str = "weights") -> Path:
    """Return a file of the Hub, from huggingface_hub's cache if it is there; its SHA-256 is remembered.

    HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE mean what they mean to huggingface_hub.

    Raises:
        UserError: another form, no such repository, revision or file, no access, no connection, too large a file, or
            another content than at first use.
    """
    wanted = HubFile.parse(address, key=key)
    path = _download(wanted, f"{key}={address}")
    check_first_use(address, path, key=key)
    return path


def _download(wanted: HubFile, shown: str) -> Path:
    import httpx2
    from huggingface_hub import errors, hf_hub_download

    offline = is_offline()
    options: dict[str, Any] = {"revision": wanted.revision, "endpoint": os.environ.get("HF_ENDPOINT") or None}
    try:
        if not offline:
            size = hf_hub_download(wanted.repo, wanted.file, dry_run=True, **options).file_size
            if size > limits.WEIGHTS_BYTES:
                raise UserError(f"{shown}: has {size} bytes; at most {limits.WEIGHTS_BYTES} are fetched")
        return Path(hf_hub_download(wanted.repo, wanted.file, local_files_only=offline, **options))
    except errors.GatedRepoError as error:
        raise UserError(
            f"{shown}: asks to accept its terms on https://huggingface.co/{wanted.repo}, then HF_TOKEN=..."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise UserError(f"{shown}: there is no repository {wanted.repo}, or it needs HF_TOKEN=...") from error
    except errors.RevisionNotFoundError as error:
        raise UserError(f"{shown}: {wanted.repo} has no revision {wanted.revision}") from error
    except errors.LocalEntryNotFoundError as error:
        reason = "it may not be fetched (offline)" if offline else "the Hub cannot be reached"
        raise UserError(f"{shown}: is not in the cache, and {reason}") from error
    except errors.EntryNotFoundError as error:
        raise UserError(f"{shown}: {wanted.repo} has no file {wanted.file}") from error
    except errors.HFValidationError as error:
        raise UserError(f"{shown}: {' '.join(str(error).split())[:200]}") from error
    except (errors.HfHubHTTPError, httpx2.HTTPError, OSError, ValueError) as error:
        raise UserError(f"{shown}: cannot be fetched ({' '.join(str(error).split())[:200]})") from error
