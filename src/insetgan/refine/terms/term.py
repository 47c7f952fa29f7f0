"""What a term of the inset objective is."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import field, fields
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from insetgan.ops.regions import WORKING_SIZE
from insetgan.refine.sides import SIDES, Side
from insetgan.refine.terms.ramp import Ramp
from insetgan.refine.views import View
from insetgan.runtime.settings import SettingError, settings

FAMILIES: tuple[str, ...] = ("coarse", "border", "reg", "body", "part")
"""The paper's losses: L_coarse, L_border, L_reg, L_body, and L_face, which holds for any part."""


@settings(kw_only=True)
class Weighting:
    """What all terms have in common: how much they count, and where."""

    weight: Annotated[
        float, Field(ge=0, le=1e9, description="full weight; 0 switches the term off, and it costs nothing")
    ]
    ramp: Annotated[Ramp, Field(description="how the weight gets there during the run")] = field(default_factory=Ramp)
    sides: Annotated[tuple[Side, ...], Field(min_length=1, description="whose updates the term steers")] = SIDES
    stages: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...] | None,
        Field(description="numbers of the schedule's stages in which it acts, from 0; null for all"),
    ] = None


@settings(kw_only=True)
class Term(Weighting, ABC):
    """One summand of the objective; its name is its key there.

    Attributes:
        family: the loss it belongs to, one of `FAMILIES` or a name of its own; a mode says which families do not act.
        words: what it compares or keeps small, in a few plain words, for readers of curves.png.
    """

    family: ClassVar[str]
    words: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Refuse a term without a family; check what a class made by `dataclasses.dataclass` alone has not checked."""
        if not isinstance(getattr(self, "family", None), str):
            raise SettingError("family", f"{type(self).__name__} needs one, a class attribute: the name of its loss")
        if "__pydantic_fields__" not in vars(type(self)):
            names = [each.name for each in fields(Weighting)]
            checked = Weighting(**{name: getattr(self, name) for name in names})
            for name in names:
                object.__setattr__(self, name, getattr(checked, name))
        if self.stages == ():
            raise SettingError("stages", "must name a stage, from 0, or be null", [])

    @abstractmethod
    def values(self, view: View) -> Tensor:
        """The unweighted value of each sample, [n], at least 0; summed over the parts where there are several."""

    @property
    def looks_at(self) -> tuple[Side, ...]:
        """The sides whose images or latents decide its value; while only the other side moves, the value stays."""
        return SIDES

    def acts(self, sides: Iterable[Side], stage: int) -> bool:
        """Whether it steers any of the given sides in a stage."""
        return self.weight > 0 and bool(set(sides) & set(self.sides)) and (self.stages is None or stage in self.stages)


@settings(kw_only=True)
class PartTerm(Term):
    """A term that looks at every part by itself; a part that is not on a sample's canvas counts nothing there."""

    def values(self, view: View) -> Tensor:
        """Sum of the parts' values, [n]."""
        parts = [
            torch.where(view.locations.regions[part].present, self.part_values(view, part), 0.0) for part in view.parts
        ]
        total = parts[0]
        for value in parts[1:]:
            total = total + value
        return total

    @abstractmethod
    def part_values(self, view: View, part: str) -> Tensor:
        """The unweighted value of each sample for one part, [n]."""


@settings(kw_only=True)
class SizedTerm(PartTerm):
    """A term that compares the crop of the canvas with the inset at one low resolution."""

    size: Annotated[
        int,
        Field(
            ge=1,
            le=WORKING_SIZE,
            description="side of the compared images, a divisor of 64 (the paper's D_64)",
        ),
    ] = WORKING_SIZE

    def __post_init__(self) -> None:
        """Refuse sizes that the working size is no multiple of."""
        super().__post_init__()
        if WORKING_SIZE % self.size:
            raise SettingError("size", f"must divide {WORKING_SIZE}", self.size)
