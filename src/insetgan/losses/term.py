"""What a term of the inset objective is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from insetgan.losses.context import Context
from insetgan.losses.ramp import Ramp

Side = Literal["canvas", "inset"]
"""Whose latents are being updated: the canvas generator's (w_A), or the inset generators' (w_B)."""

SIDES: tuple[Side, ...] = ("canvas", "inset")


@dataclass(frozen=True, kw_only=True)
class Term(ABC):
    """One summand of the objective; its name is its key there.

    Attributes:
        weight: full weight, at least 0; 0 switches the term off and it costs nothing.
        ramp: how the weight gets there during the run.
        sides: whose updates the term steers.
    """

    weight: float
    ramp: Ramp = field(default_factory=Ramp)
    sides: tuple[Side, ...] = SIDES

    def __post_init__(self) -> None:
        """Accept any sequence of sides; refuse a side that does not exist, and a weight or ramp that is none."""
        if isinstance(self.weight, bool) or not isinstance(self.weight, (int, float)):
            raise ValueError(f"weight={self.weight}: must be a number")
        if not isinstance(self.ramp, Ramp):
            raise ValueError(f"ramp={self.ramp}: must be a Ramp with begin and end, as in conf/objective/paper.yaml")
        object.__setattr__(self, "sides", tuple(self.sides))
        if not self.sides or any(side not in SIDES for side in self.sides):
            raise ValueError(f"sides={list(self.sides)}: name one or both of {list(SIDES)}")

    @abstractmethod
    def values(self, context: Context) -> Tensor:
        """The unweighted value of each sample, [n], at least 0; summed over the parts where there are several."""


@dataclass(frozen=True, kw_only=True)
class PartTerm(Term):
    """A term that looks at every part by itself."""

    def values(self, context: Context) -> Tensor:
        """Sum of the parts' values, [n]."""
        parts = [self.part_values(context, part) for part in context.parts]
        total = parts[0]
        for value in parts[1:]:
            total = total + value
        return total

    @abstractmethod
    def part_values(self, context: Context, part: str) -> Tensor:
        """The unweighted value of each sample for one part, [n]."""
