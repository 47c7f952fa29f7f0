"""What a term of the inset objective is."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from insetgan.ops.regions import WORKING_SIZE
from insetgan.refine.sides import SIDES, Side
from insetgan.refine.terms.ramp import Ramp
from insetgan.refine.views import View
from insetgan.runtime.errors import UserError

FAMILIES: tuple[str, ...] = ("coarse", "border", "reg", "body", "part")
"""The paper's losses: L_coarse, L_border, L_reg, L_body, and L_face, which holds for any part."""


@dataclass(frozen=True, kw_only=True)
class Term(ABC):
    """One summand of the objective; its name is its key there.

    Attributes:
        weight: full weight, at least 0; 0 switches the term off and it costs nothing.
        ramp: how the weight gets there during the run.
        sides: whose updates the term steers.
        stages: numbers of the schedule's stages in which it acts, from 0; in all of them when absent.
        family: the loss it belongs to, one of `FAMILIES` or a name of its own; a mode says which families do not act.
    """

    family: ClassVar[str]

    weight: float
    ramp: Ramp = field(default_factory=Ramp)
    sides: tuple[Side, ...] = SIDES
    stages: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        """Accept any sequence of sides; refuse a side that does not exist, and a weight or ramp that is none."""
        if not isinstance(getattr(self, "family", None), str):
            raise ValueError(f"{type(self).__name__} needs a family, a class attribute: the name of its loss")
        if isinstance(self.weight, bool) or not isinstance(self.weight, (int, float)):
            raise ValueError(f"weight={self.weight}: must be a number")
        if not isinstance(self.ramp, Ramp):
            raise ValueError(f"ramp={self.ramp}: must be a Ramp with begin and end, as in conf/objective/paper.yaml")
        for key in ("sides", "stages"):
            value = getattr(self, key)
            if isinstance(value, str) or not isinstance(value, (Sequence, type(None))):
                raise ValueError(f"{key}={value}: must be a list")
        object.__setattr__(self, "sides", tuple(self.sides))
        if not self.sides or any(side not in SIDES for side in self.sides):
            raise ValueError(f"sides={list(self.sides)}: name one or both of {list(SIDES)}")
        if self.stages is not None:
            object.__setattr__(self, "stages", tuple(self.stages))
            if not self.stages or any(type(stage) is not int or stage < 0 for stage in self.stages):
                raise ValueError(f"stages={list(self.stages)}: must be numbers of stages, from 0")

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


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class SizedTerm(PartTerm):
    """A term that compares the crop of the canvas with the inset at one low resolution.

    Attributes:
        size: side of the pictures that are compared, a divisor of 64; 64 is the paper's D_64.
    """

    size: int = WORKING_SIZE

    def __post_init__(self) -> None:
        """Refuse sizes that the working size is no multiple of."""
        super().__post_init__()
        if self.size < 1 or WORKING_SIZE % self.size:
            raise UserError(f"size={self.size} of a term: must divide {WORKING_SIZE}")
