"""The moving state of a run: the codes under optimisation and the best state met so far."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from insetgan.detection.placement import Placement
from insetgan.refine.context import CANVAS
from insetgan.refine.latents import Latents
from insetgan.refine.terms.term import SIDES, Side


class Search:
    """The codes of all generators, with one Adam a side.

    Adam works elementwise, so samples stay independent as long as their losses are summed.
    """

    def __init__(self, starts: Mapping[str, Latents]) -> None:
        self.codes = {name: latents.detached() for name, latents in starts.items()}
        self._optimisers = {side: torch.optim.Adam(self.leaves((side,)), betas=(0.9, 0.999)) for side in SIDES}
        for leaf in self.leaves(SIDES):
            leaf.requires_grad_()

    def names(self, sides: Iterable[Side]) -> list[str]:
        """The generators that belong to the given sides."""
        wanted = set(sides)
        return [name for name in self.codes if ("canvas" if name == CANVAS else "inset") in wanted]

    def leaves(self, sides: Iterable[Side]) -> list[Tensor]:
        """The tensors that updates of the given sides change."""
        return [leaf for name in self.names(sides) for leaf in self.codes[name].moving]

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

    def keep(self, rows: Tensor) -> "Search":
        """The same search with only the samples numbered in `rows`, int64 [m]; moments and step counts go on."""
        kept = Search({name: latents.rows(rows) for name, latents in self.codes.items()})
        for side in SIDES:
            state, old = kept._optimisers[side].state, self._optimisers[side].state
            for leaf, before in zip(kept.leaves((side,)), self.leaves((side,)), strict=True):
                if before in old:
                    state[leaf] = {key: value if key == "step" else value[rows] for key, value in old[before].items()}
        return kept


class Best:
    """The state of lowest objective at full weights, sample by sample of the whole batch.

    Attributes:
        total: its objective, [n]; infinite before the first offer.
        step: updates made before it, int64 [n].
        codes: its codes.
        placements: where its parts are, by name.
    """

    def __init__(self, codes: Mapping[str, Latents], placements: Mapping[str, Placement]) -> None:
        self.codes = {name: latents.detached() for name, latents in codes.items()}
        self.placements = dict(placements)
        count = self.codes[CANVAS].shared.shape[0]
        self.total = self.codes[CANVAS].shared.new_full((count,), torch.inf)
        self.step = torch.zeros(count, dtype=torch.long, device=self.total.device)

    def offer(
        self,
        rows: Tensor,
        total: Tensor,
        codes: Mapping[str, Latents],
        placements: Mapping[str, Placement],
        step: int,
        running: Tensor,
    ) -> None:
        """Keep the given state for the running samples that it improves; row i of it is sample rows[i]."""
        better = running & (total < self.total[rows])
        if not bool(better.any()):
            return
        where, chosen = rows[better], better.nonzero()[:, 0]
        self.total[where] = total[better].to(self.total)
        self.step[where] = step
        for name, kept in self.codes.items():
            self.codes[name] = kept.put(where, codes[name].rows(chosen))
        for name, placement in self.placements.items():
            self.placements[name] = placement.put(where, placements[name].rows(chosen))

    def forget(self, rows: Tensor) -> None:
        """What was judged before means nothing any more for these samples, since the objective has changed."""
        self.total[rows] = torch.inf


def finite_rows(tensors: Iterable[Tensor]) -> Tensor:
    """Whether every number of a sample is finite in all tensors [n, ...]: bool [n]."""
    return torch.stack([tensor.isfinite().flatten(1).all(1) for tensor in tensors]).all(0)


def _rows(mask: Tensor, like: Tensor) -> Tensor:
    return mask.view(-1, *[1] * (like.dim() - 1))
