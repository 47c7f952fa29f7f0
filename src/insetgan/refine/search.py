"""The moving state of a run: the codes under optimisation and the best state met so far."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from insetgan.losses.context import CANVAS
from insetgan.losses.term import SIDES, Side
from insetgan.refine.latents import Latents


class Search:
    """The codes of all generators, with one Adam a side.

    Adam works elementwise, so samples stay independent as long as their losses are summed.
    """

    def __init__(self, starts: Mapping[str, Latents]) -> None:
        self.codes = {name: latents.detached() for name, latents in starts.items()}
        for latents in self.codes.values():
            latents.shared.requires_grad_()
            latents.delta.requires_grad_()
        self._optimisers = {side: torch.optim.Adam(self.leaves((side,)), betas=(0.9, 0.999)) for side in SIDES}

    def names(self, sides: Iterable[Side]) -> list[str]:
        """The generators that belong to the given sides."""
        wanted = set(sides)
        return [name for name in self.codes if ("canvas" if name == CANVAS else "inset") in wanted]

    def leaves(self, sides: Iterable[Side]) -> list[Tensor]:
        """The tensors that updates of the given sides change."""
        codes = [self.codes[name] for name in self.names(sides)]
        return [leaf for latents in codes for leaf in (latents.shared, latents.delta)]

    def update(self, side: Side, gradients: Mapping[Tensor, Tensor], rate: float, running: Tensor) -> None:
        """Move one side by one Adam step; samples that are not running stay where they are to the last bit."""
        leaves = self.leaves((side,))
        before = [leaf.detach().clone() for leaf in leaves]
        for leaf in leaves:
            leaf.grad = torch.where(_rows(running, leaf), gradients[leaf], 0.0)
        optimiser = self._optimisers[side]
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
        with torch.no_grad():
            for leaf, old in zip(leaves, before, strict=True):
                leaf.copy_(torch.where(_rows(running, leaf), leaf, old))
                leaf.grad = None

    def restore(self, where: Tensor, codes: Mapping[str, Latents]) -> None:
        """Put other codes in the place of the samples marked in `where`, bool [n]."""
        with torch.no_grad():
            for name, latents in self.codes.items():
                other = latents.chosen(where, codes[name])
                latents.shared.copy_(other.shared)
                latents.delta.copy_(other.delta)


class Best:
    """The state of lowest objective at full weights, sample by sample.

    Attributes:
        total: its objective, [n]; infinite before the first offer.
        step: updates made before it, int64 [n].
        codes: its codes.
        boxes: its boxes, by part.
    """

    def __init__(self, codes: Mapping[str, Latents], boxes: Mapping[str, Tensor]) -> None:
        self.codes = {name: latents.detached() for name, latents in codes.items()}
        self.boxes = dict(boxes)
        count = self.codes[CANVAS].shared.shape[0]
        self.total = self.codes[CANVAS].shared.new_full((count,), torch.inf)
        self.step = torch.zeros(count, dtype=torch.long, device=self.total.device)

    def offer(
        self, total: Tensor, codes: Mapping[str, Latents], boxes: Mapping[str, Tensor], step: int, running: Tensor
    ) -> None:
        """Keep the given state for the running samples that it improves."""
        better = running & (total < self.total)
        self.total = torch.where(better, total, self.total)
        self.step = torch.where(better, step, self.step)
        self.codes = {name: kept.chosen(better, codes[name]) for name, kept in self.codes.items()}
        self.boxes = {name: torch.where(better[:, None], boxes[name], kept) for name, kept in self.boxes.items()}


def finite_rows(tensors: Iterable[Tensor]) -> Tensor:
    """Whether every number of a sample is finite in all tensors [n, ...]: bool [n]."""
    return torch.stack([tensor.isfinite().flatten(1).all(1) for tensor in tensors]).all(0)


def _rows(mask: Tensor, like: Tensor) -> Tensor:
    return mask.view(-1, *[1] * (like.dim() - 1))
