"""L-BFGS for a batch of independent samples, one evaluation a step."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from insetgan.runtime.tensors import copy_into

_SHRUNK = 0.4
"""Factor of a step that has made a sample worse, when it is tried again from where it began."""
_FIRST = 1 / 3
"""Length of the very first step, which knows no curvature, as a share of the longest."""
_CURVED = 1e-8
"""Cosine of step and change of the gradient from which on the pair counts as curvature."""


class QuasiNewton:
    """Limited-memory BFGS (Nocedal 1980) in which every sample has its own curvature, step length and verdict.

    Each step is judged by one evaluation: a sample whose loss has fallen goes on from there, another goes back to its best
    point and tries a shorter step. So the loss must be the same function in every step.

    Args:
        leaves: the tensors that move, each [n, ...].
        memory: pairs of steps and gradient changes from which the curvature is worked out.

    Attributes:
        memory: likewise.
    """

    def __init__(self, leaves: Sequence[Tensor], memory: int = 20) -> None:
        self._leaves, self.memory = list(leaves), memory
        rows, numbers = len(leaves[0]), sum(leaf[0].numel() for leaf in leaves)
        new = leaves[0].new_zeros
        self._point, self._slope, self._step = (new(rows, numbers) for _ in range(3))
        self._steps, self._changes = new(memory, rows, numbers), new(memory, rows, numbers)
        self._loss, self._length = new(rows).fill_(torch.inf), new(rows).fill_(1.0)
        self._count = 0

    @torch.no_grad()
    def step(self, loss: Tensor, gradients: Sequence[Tensor], units: Sequence[float], follow: Tensor) -> None:
        """Judge the present point, and move on from the best one.

        Args:
            loss: of the leaves as they are, [n].
            gradients: of the leaves, in their order.
            units: of each leaf, the longest root mean square step of its numbers; the same in every call.
            follow: bool [n]; other samples stay where they are.
        """
        scale = torch.cat(
            [leaf.new_full((leaf[0].numel(),), unit) for leaf, unit in zip(self._leaves, units, strict=True)]
        )
        now = torch.cat([leaf.flatten(1) for leaf in self._leaves], 1)
        slope = torch.cat([each.flatten(1) for each in gradients], 1) * scale
        fallen = follow & (loss < self._loss)
        if self._count:
            self._remember(slope - self._slope, follow)
        first = ~self._loss.isfinite()
        self._point = torch.where(fallen[:, None], now, self._point)
        self._slope = torch.where(fallen[:, None], slope, self._slope)
        self._length = torch.where(fallen, 1.0, self._length * _SHRUNK)
        self._loss = torch.where(fallen, loss.to(self._loss), self._loss)
        direction = self._direction()
        size = direction.square().mean(1).sqrt()
        plain = _FIRST / size.clamp(min=1e-12)
        direction = direction * torch.where(first, plain, (1 / size.clamp(min=1e-12)).clamp(max=1.0))[:, None]
        self._step = self._length[:, None] * direction
        moved = torch.where(follow[:, None], self._point + self._step * scale, now)
        sizes = [leaf[0].numel() for leaf in self._leaves]
        for leaf, part in zip(self._leaves, moved.split_with_sizes(sizes, 1), strict=True):
            leaf.copy_(part.view_as(leaf))
        self._count += 1

    def tensors(self) -> dict[str, Tensor]:
        """All that it remembers, by name."""
        names = ("point", "slope", "step", "steps", "changes", "loss", "length")
        return {**{name: getattr(self, f"_{name}") for name in names}, "count": torch.tensor(self._count)}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave.

        Raises:
            KeyError: a tensor is missing.
            ValueError: a tensor has another shape.
        """
        for name, own in self.tensors().items():
            if name != "count":
                copy_into(own, tensors[name])
        self._count = int(tensors["count"])

    def _remember(self, change: Tensor, follow: Tensor) -> None:
        """Keep the last step and the change of the gradient along it, where the loss is curved upwards."""
        lengths = self._step.norm(dim=1) * change.norm(dim=1)
        good = follow & ((self._step * change).sum(1) > _CURVED * lengths)
        place = (self._count - 1) % self.memory
        self._steps[place] = torch.where(good[:, None], self._step, 0.0)
        self._changes[place] = torch.where(good[:, None], change, 0.0)

    def _direction(self) -> Tensor:
        """Minus the inverse curvature times the slope, by the two loops of L-BFGS; steepest descent without curvature."""
        count = min(self._count, self.memory)
        places = [(self._count - 1 - back) % self.memory for back in range(count)]  # the newest first
        found, kept = self._slope.clone(), []
        gamma = torch.zeros_like(self._loss)
        for place in places:
            step, change = self._steps[place], self._changes[place]
            product, square = (step * change).sum(1), change.square().sum(1)
            inverse = torch.where(product > 0, 1 / product.clamp(min=1e-30), 0.0)
            share = inverse * (step * found).sum(1)
            found = found - share[:, None] * change
            kept.append((place, inverse, share))
            newest = (gamma == 0) & (product > 0)
            gamma = torch.where(newest, product / square.clamp(min=1e-30), gamma)
        found = found * torch.where(gamma > 0, gamma, 1.0)[:, None]
        for place, inverse, share in reversed(kept):
            found = found + (share - inverse * (self._changes[place] * found).sum(1))[:, None] * self._steps[place]
        return -found
