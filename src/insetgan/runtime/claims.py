"""Work that several commands share: who is there, and which piece of the work each of them has taken."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from insetgan.runtime.errors import UserError

_WORKER = "worker-"


class Claims:
    """Locks in a folder, one a piece of work. A lock ends with the process that holds it, however that ends.

    The files stay: removing one while another process waits for it would give the same piece to both.

    Args:
        folder: of the locks; made when it is first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def take(self, name: str) -> Iterator[bool]:
        """Hold a piece of the work; gives False, without waiting, where another process holds it.

        Raises:
            UserError: files cannot be locked there.
        """
        lock = self._try(self.folder / name)
        try:
            yield lock is not None
        finally:
            if lock is not None:
                lock.release()

    def taken(self, name: str) -> bool:
        """Whether another process holds a piece at this moment."""
        with self.take(name) as mine:
            return not mine

    @contextmanager
    def present(self) -> Iterator[None]:
        """Be counted among the workers meanwhile."""
        path = self.folder / f"{_WORKER}{uuid.uuid4().hex}"
        lock = self._try(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # nothing waits for a name that no other process makes
            if lock is not None:
                lock.release()

    def others(self) -> int:
        """Workers that live; the caller is none of them yet. What killed ones left is removed."""
        count = 0
        for path in sorted(self.folder.glob(f"{_WORKER}*")):
            lock = self._try(path)
            if lock is None:
                count += 1
                continue
            path.unlink(missing_ok=True)
            lock.release()
        return count

    def _try(self, path: Path) -> FileLock | None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
            lock.acquire(timeout=0)
        except Timeout:
            return None
        except (OSError, NotImplementedError) as error:
            said = getattr(error, "strerror", None) or error
            raise UserError(
                f"{path.parent}: files cannot be locked there ({said}), so work cannot be shared"
            ) from error
        return lock
