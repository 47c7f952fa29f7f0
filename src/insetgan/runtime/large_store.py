"""A result folder whose results are too large to be read whenever a command starts."""

from typing import Any

from insetgan.runtime.store import ResultFolder


class LargeResults(ResultFolder):
    """Results whose bytes are read once, by whichever command gathers them; see `ResultFolder`."""

    def recorded(self, key: str, depends: Any) -> bool:
        """Whether a result has a whole record of these settings, and files of the sizes that its data name.

        Args:
            key: of the result, whose data have the sizes in bytes of its pieces, by name, under "bytes".
            depends: what it must depend on beside the settings, plain JSON values.
        """
        note = self._note(key)
        if note is None or note["fingerprint"] != self.fingerprint or note["depends"] != depends:
            return False
        try:
            sizes = {name: (self.results / name).stat().st_size for name in note["pieces"]}
        except OSError:
            return False
        return bool(sizes == note["data"]["bytes"])

    def digests(self, key: str) -> dict[str, str]:
        """SHA-256 of the files of a finished result, by name.

        Raises:
            UserError: its record is missing or damaged.
        """
        note = self._note(key)
        if note is None:
            raise self._unfinished(key, "is missing or damaged")
        return dict(note["pieces"])

    def forget(self, key: str) -> None:
        """Remove the record of a result, which is then made again."""
        self._record(key).unlink(missing_ok=True)
