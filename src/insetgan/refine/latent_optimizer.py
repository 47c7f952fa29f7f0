"""The latents under optimisation, and the best ones met so far."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from insetgan.detection.placement import Placement
from insetgan.refine.latents import CANVAS, Latents
from insetgan.refine.quasi_newton import QuasiNewton
from insetgan.refine.sides import SIDES, Side
from insetgan.runtime.tensors import copy_into

Tensors = dict[str, Tensor]
"""Named tensors, as a safetensors file holds them."""


class LatentOptimizer:
    """The latents of all generators, or of one alone, with one Adam a side.

    Adam works element by element, so samples stay independent as long as their losses are summed.

    Args:
        starts: where the latents start, by `CANVAS` and part; they are copied.
        newton: the sides that L-BFGS moves together; none where Adam moves them.

    Attributes:
        latents: as they are now.
    """

    def __init__(self, starts: Mapping[str, Latents], newton: Sequence[Side] = ()) -> None:
        self.latents = {name: latents.detached() for name, latents in starts.items()}
        self._adam = {
            side: torch.optim.Adam(leaves, betas=(0.9, 0.999)) for side in SIDES if (leaves := self.leaves(side))
        }
        for side in SIDES:
            for leaf in self.leaves(side):
                leaf.requires_grad_()
        moving = self.leaves(*newton)
        self._newton = QuasiNewton(moving) if moving else None

    def names(self, sides: Iterable[Side]) -> list[str]:
        """The generators that belong to the given sides."""
        wanted = set(sides)
        return [name for name in self.latents if ("canvas" if name == CANVAS else "inset") in wanted]

    def leaves(self, *sides: Side) -> list[Tensor]:
        """The tensors that updates of the given sides change."""
        return [leaf for name in self.names(sides) for leaf in self.latents[name].moving]

    def step(self, sides: Sequence[Side], loss: Tensor, rates: Mapping[Side, float], running: Tensor) -> Tensor:
        """Descend by one step of Adam, or of L-BFGS.

        Args:
            sides: whose latents move.
            loss: of each sample, [n]. Losses of samples are summed, so no sample changes another.
            rates: learning rate of each side; for L-BFGS the longest root mean square step.
            running: bool [n]; the loss of other samples does not count.

        Returns:
            Bool [n], whether all gradients of a sample are finite. Samples with others are not moved by them.
        """
        leaves = self.leaves(*sides)
        gradients = torch.autograd.grad(torch.where(running, loss, 0.0).sum(), leaves, allow_unused=True)
        known = [gradient for gradient in gradients if gradient is not None]
        finite = finite_rows(known) if known else torch.ones_like(running)
        if self._newton is not None:
            whole = [torch.zeros_like(x) if each is None else each for x, each in zip(leaves, gradients, strict=True)]
            units = [rates[side] for side in SIDES if side in sides for _ in self.leaves(side)]
            self._newton.step(loss.detach(), [each.nan_to_num() for each in whole], units, running & finite)
            return finite
        for leaf, gradient in zip(leaves, gradients, strict=True):
            follow = (running & finite).view(-1, *[1] * (leaf.dim() - 1))
            leaf.grad = torch.zeros_like(leaf) if gradient is None else torch.where(follow, gradient, 0.0)
        for side in sides:
            for group in self._adam[side].param_groups:
                group["lr"] = rates[side]
            self._adam[side].step()
            self._adam[side].zero_grad()
        return finite

    @torch.no_grad()
    def take_over(self, latents: Mapping[str, Latents]) -> None:
        """Go on from other latents of the same generators; Adam knows nothing of them yet."""
        for name, own in self.latents.items():
            for kind, tensor in own.tensors.items():
                copy_into(tensor, latents[name].tensors[kind])

    def tensors(self) -> Tensors:
        """Copies of the latents, and of Adam's moments and step counts."""
        kept = latent_tensors("latents", self.latents)
        for name, leaf, state in self._moments():
            kept |= {f"{name}.{key}": state[leaf][key] for key in ("step", "exp_avg", "exp_avg_sq") if leaf in state}
        if self._newton is not None:
            kept |= {f"newton.{name}": tensor for name, tensor in self._newton.tensors().items()}
        return {name: tensor.detach().clone() for name, tensor in kept.items()}

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave.

        Raises:
            KeyError: a tensor is missing.
            ValueError: a tensor has another shape.
        """
        for name, own in latent_tensors("latents", self.latents).items():
            copy_into(own, tensors[name])
        for name, leaf, state in self._moments():
            if f"{name}.step" in tensors:
                state[leaf] = {"step": tensors[f"{name}.step"].detach().clone().cpu()}
                for key in ("exp_avg", "exp_avg_sq"):
                    state[leaf][key] = copy_into(torch.empty_like(leaf), tensors[f"{name}.{key}"])
        if self._newton is not None:
            named = {name.removeprefix("newton."): each for name, each in tensors.items() if name.startswith("newton.")}
            self._newton.load(named)

    def _moments(self) -> Iterable[tuple[str, Tensor, dict[Tensor, Tensors]]]:
        """Name of each moving tensor, the tensor, and Adam's state of its side."""
        for name, latents in self.latents.items():
            if not latents.moving:  # such as of a canvas that is an image
                continue
            state = self._adam["canvas" if name == CANVAS else "inset"].state
            for number, leaf in enumerate(latents.moving):
                yield f"adam.{name}.{number}", leaf, state


class Best:
    """The state of lowest objective at full weights, sample by sample.

    Attributes:
        total: its objective, [n]; infinite before the first offer.
        step: updates made before it, int64 [n].
        latents: by `CANVAS` and part.
        placements: where its parts are, by name.
    """

    def __init__(self, latents: Mapping[str, Latents], placements: Mapping[str, Placement]) -> None:
        self.latents = {name: one.detached() for name, one in latents.items()}
        self.placements = dict(placements)
        first = self.latents[CANVAS].first
        self.total = first.new_full((len(first),), torch.inf)
        self.step = torch.zeros(len(first), dtype=torch.long, device=first.device)

    def offer(
        self,
        total: Tensor,
        latents: Mapping[str, Latents],
        placements: Mapping[str, Placement],
        step: int,
        running: Tensor,
    ) -> None:
        """Keep the given state for the running samples that it improves.

        Args:
            total: objective at full weights, [n].
            latents: of the state, by `CANVAS` and part.
            placements: where its parts are, by name.
            step: updates made before it.
            running: bool [n].
        """
        better = running & (total < self.total)
        if not bool(better.any()):
            return
        self.total = torch.where(better, total.to(self.total), self.total)
        self.step = torch.where(better, step, self.step)
        self.latents = {name: kept.replaced(better, latents[name]) for name, kept in self.latents.items()}
        self.placements = {name: kept.replaced(better, placements[name]) for name, kept in self.placements.items()}

    def forget(self, running: Tensor) -> None:
        """Judge the running samples afresh, since the objective has changed."""
        self.total = torch.where(running, torch.inf, self.total)


def finite_rows(tensors: Iterable[Tensor]) -> Tensor:
    """Whether every number of a sample is finite in all tensors [n, ...]: bool [n]."""
    return torch.stack([tensor.isfinite().flatten(1).all(1) for tensor in tensors]).all(0)


def latent_tensors(prefix: str, latents: Mapping[str, Latents]) -> Tensors:
    """The tensors of latents, named "<prefix>.<generator>.<latent>", such as "best.canvas.shared"."""
    return {f"{prefix}.{name}.{kind}": tensor for name, one in latents.items() for kind, tensor in one.tensors.items()}
