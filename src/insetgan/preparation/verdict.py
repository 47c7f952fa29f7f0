"""What became of each file: kept, or dropped with the reason."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


class Rejected(Exception):
    """A photograph is not for the set; the message says why, in a few words for people."""


@dataclass(frozen=True)
class Verdict:
    """What became of a file.

    Attributes:
        name: of the file.
        reason: why it was dropped; "" where it was kept.
        image: its name in the archive; "" where it was dropped.
        scores: confidence of each part that was found, 0..1.
        look: 70 hexadecimal digits that are nearly the same for images that look the same; "" where it could not be read.
        notes: what was changed on reading it, and the like.
    """

    name: str
    reason: str = ""
    image: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    look: str = ""
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether it is in the archive."""
        return not self.reason

    def values(self) -> dict[str, Any]:
        """Plain JSON values; `of_values` reads them."""
        return asdict(self) | {"scores": dict(self.scores), "notes": list(self.notes)}

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> "Verdict":
        """What `values` gave."""
        return cls(**{**values, "notes": tuple(values["notes"])})
