"""The random variables of an image, each the quantile of a uniform number from a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# Distributions of the values, for a strength s; the columns of one kind stand together.
CENTRED = "uniform in [-s, s]"
PLACE = "uniform in [0, s]"
CHOICE = "a whole number in [0, s)"
NORMAL = "normal, standard deviation s"
SPREAD = "absolute value of a normal one, standard deviation s"
KINDS = (CENTRED, PLACE, CHOICE, NORMAL, SPREAD)


@dataclass(frozen=True)
class Variable:
    """The values of one transformation, which is done or left out as a whole.

    Args:
        name: of the transformation.
        multiplier: it is done with this probability times p; never at 0.
        kind: distribution of its values.
        strength: of the distribution.
        count: number of values.
        either: it is one of two of its kind, which together are done with that probability.
    """

    name: str
    multiplier: float
    kind: str
    strength: float
    count: int = 1
    either: bool = False


@dataclass(frozen=True)
class Drawn:
    """What a batch drew: for each name the values [n, count], zero where left out, and a bool [n] of where it is done."""

    values: dict[str, Tensor]
    done: dict[str, Tensor]


class Table(nn.Module):
    """Turns a row of uniform numbers into the values of an image: first a gate for each variable, then the values.

    Args:
        variables: those that are never done take no columns.
    """

    multipliers: Tensor
    strengths: Tensor
    either: Tensor
    owners: Tensor

    def __init__(self, variables: Sequence[Variable]) -> None:
        super().__init__()
        self.variables = sorted((v for v in variables if v.multiplier > 0), key=lambda v: KINDS.index(v.kind))
        owners = [index for index, variable in enumerate(self.variables) for _ in range(variable.count)]
        values = [self.variables[owner] for owner in owners]
        self.gates = len(self.variables)
        self.columns = self.gates + len(values)
        self.widths = [sum(v.kind == kind for v in values) for kind in KINDS]
        for name, tensor in {
            "multipliers": torch.tensor([v.multiplier for v in self.variables], dtype=torch.float32),
            "either": torch.tensor([v.either for v in self.variables], dtype=torch.bool),
            "strengths": torch.tensor([v.strength for v in values], dtype=torch.float32),
            "owners": torch.tensor(owners, dtype=torch.int64),
        }.items():
            self.register_buffer(name, tensor, persistent=False)

    def columns_of(self, name: str) -> tuple[int, tuple[int, ...]]:
        """Column of a variable's gate, and columns of its values."""
        index = [v.name for v in self.variables].index(name)
        first = self.gates + sum(v.count for v in self.variables[:index])
        return index, tuple(range(first, first + self.variables[index].count))

    def forward(self, uniforms: Tensor, p: Tensor) -> Drawn:
        """Look up a batch's values.

        Args:
            uniforms: [n, columns] in (0, 1).
            p: 0-dimensional.
        """
        gates, numbers = torch.split(uniforms, [self.gates, self.columns - self.gates], dim=1)
        chance = p * self.multipliers
        # Of two independent events of probability q at least one happens with probability 1 - (1 - q)^2.
        chance = torch.where(self.either, 1 - (1 - chance.clamp(0, 1)).sqrt(), chance)
        done = gates < chance
        values = torch.where(done[:, self.owners], self._quantiles(numbers), 0)
        result, first = Drawn({}, {}), 0
        for index, variable in enumerate(self.variables):
            result.values[variable.name] = values[:, first : first + variable.count]
            result.done[variable.name] = done[:, index]
            first += variable.count
        return result

    def _quantiles(self, numbers: Tensor) -> Tensor:
        """Values [n, number of values] of the distributions at these percentiles."""
        numbers = numbers.clamp(2**-24, 1 - 2**-24)  # float32 has room for both; tails end at five deviations
        strengths = self.strengths.to(numbers)
        by_kind = zip(torch.split(numbers, self.widths, dim=1), torch.split(strengths, self.widths), strict=True)
        (centred, a), (place, b), (choice, c), (normal, d), (spread, e) = by_kind
        return torch.cat(
            [
                (2 * centred - 1) * a,
                place * b,
                (choice * c).floor(),
                (2 * normal - 1).erfinv() * (d * 2**0.5),
                spread.erfinv() * (e * 2**0.5),
            ],
            dim=1,
        )
