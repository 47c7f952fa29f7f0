"""The objective: named terms, weighted and summed in this one place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from insetgan.refine.sides import SIDES, Side
from insetgan.refine.terms.term import Term
from insetgan.refine.views import View
from insetgan.runtime.errors import UserError


class Roles(NamedTuple):
    """Names of the terms of a turn.

    Attributes:
        steering: the updates follow their gradients.
        following: they steer other sides, but their values change with what moves now.
        standing: their values stay the same throughout the turn.
    """

    steering: tuple[str, ...]
    following: tuple[str, ...]
    standing: tuple[str, ...]


@dataclass(frozen=True)
class Objective:
    """A sum of weighted terms, per sample.

    Attributes:
        terms: by name, under which they are weighed in the configuration and logged.
    """

    terms: Mapping[str, Term]

    def __post_init__(self) -> None:
        """Refuse an objective without any weight."""
        if not self.names():
            raise UserError("objective: no term has a weight above 0, so there is nothing to minimise")

    def names(self, sides: Iterable[Side] = SIDES, stage: int | None = None) -> tuple[str, ...]:
        """Names of the terms with a weight that steer any of the given sides, in one stage or in any."""
        wanted = tuple(sides)
        return tuple(
            name
            for name, term in self.terms.items()
            if any(term.acts(wanted, at) for at in ((term.stages or (0,)) if stage is None else (stage,)))
        )

    def roles(self, moving: Iterable[Side], optimised: Iterable[Side], stage: int) -> "Roles":
        """Sort the terms of a stage by what they do while some sides move.

        Args:
            moving: the sides whose turn it is.
            optimised: the sides that move at some time in the run; all terms that steer one of them are judged.
            stage: number of the stage, from 0.
        """
        wanted = set(moving)
        steering = self.names(wanted, stage)
        others = [name for name in self.names(optimised, stage) if name not in steering]
        following = tuple(name for name in others if wanted & set(self.terms[name].looks_at))
        return Roles(steering, following, tuple(name for name in others if name not in following))

    def full(self, progress: float) -> bool:
        """Whether all ramps are at their end."""
        return all(progress >= term.ramp.end for term in self.terms.values() if term.weight > 0)

    def values(self, view: View, names: Iterable[str]) -> dict[str, Tensor]:
        """Unweighted values of the named terms, each [n]."""
        return {name: self.terms[name].values(view) for name in names}

    def total(self, values: Mapping[str, Tensor], progress: float | None = None) -> Tensor:
        """Weighted sum of the given values, [n].

        Args:
            values: by name, not empty.
            progress: fraction of the run that is done, for the ramps; full weights when None.
        """
        weighted = []
        for name, value in values.items():
            term = self.terms[name]
            weighted.append(value * (term.weight * (1.0 if progress is None else term.ramp.at(progress))))
        return torch.stack(weighted).sum(0)
