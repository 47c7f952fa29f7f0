"""How the images of a part are cut out of whole ones, which its generator has learned and its placement has to repeat."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from insetgan.ops.boxes import MARGIN
from insetgan.runtime.errors import UserError
from insetgan.runtime.zips import shown

_KEY = "crop"  # in the metadata of a generator's file


@dataclass(frozen=True)
class PartCrop:
    """The crop of a part, or of several that one generator draws, such as both hands.

    Attributes:
        parts: names of the parts.
        mirrored: those of them that are flipped left to right, so that all look alike.
        margin: what is added to the box on every side, as a fraction of its longer side; see `ops.boxes.square_boxes`.
    """

    parts: Sequence[str]
    mirrored: Sequence[str] = ()
    margin: float = MARGIN

    def metadata(self) -> dict[str, Any]:
        """For the header of a generator's file; `of_metadata` reads it."""
        return {_KEY: {"parts": list(self.parts), "mirrored": list(self.mirrored), "margin": self.margin}}

    @classmethod
    def of_metadata(cls, metadata: Mapping[str, Any]) -> "PartCrop | None":
        """What `weights.store.read_metadata` gave; None where nothing is said of crops.

        Raises:
            UserError: it is of another form, such as that of a later version: the crops would not be those that were learned.
        """
        found = metadata.get(_KEY)
        if found is None:
            return None
        if not isinstance(found, Mapping) or found.keys() != {"parts", "mirrored", "margin"}:
            raise UserError(
                f"{_KEY}={shown(str(found))} in the header of the weights: must say parts, mirrored and margin alone"
            )
        parts, mirrored, margin = found["parts"], found["mirrored"], found["margin"]
        number = isinstance(margin, (int, float)) and not isinstance(margin, bool) and math.isfinite(margin)
        if not (number and _are_names(parts) and _are_names(mirrored)):
            raise UserError(
                f"{_KEY}={shown(str(found))} in the header of the weights: must be lists of names and a number"
            )
        return cls(tuple(parts), tuple(mirrored), float(margin))

    def differences(self, part: str, *, margin: float | None, mirror: bool) -> list[str]:
        """What of a placement does not agree with the crops that a generator has learned.

        Args:
            part: name of the part that is placed.
            margin: of its placement; None where the placement has none.
            mirror: whether its images are flipped.

        Returns:
            One clause for each difference: the setting with its value, and what was learned.
        """
        if part not in self.parts:
            return [f"learned {' and '.join(self.parts)}"]
        said = []
        if margin is not None and not math.isclose(margin, self.margin, abs_tol=1e-9):
            said.append(f"placement.margin={margin:g}, learned {self.margin:g}")
        if mirror != (part in self.mirrored):
            said.append(f"mirror={str(mirror).lower()}, learned {str(part in self.mirrored).lower()}")
        return said


def _are_names(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
