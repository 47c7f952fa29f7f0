"""The passes of a composer over a problem: from the start latents to those that it predicts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from insetgan.networks.layered import DELTA, SHARED
from insetgan.refine.composer import Composer, Seen
from insetgan.refine.composition import draw_all
from insetgan.refine.latents import CANVAS, Latents
from insetgan.refine.objective import Objective
from insetgan.refine.problem import Problem
from insetgan.refine.sides import Side
from insetgan.refine.state import Initial
from insetgan.refine.views import View
from insetgan.runtime.errors import UserError

SPACE = "w*"
"""The latent space in which composers work: w* and all offsets."""


SHARPENED = 5.0
"""Differences in the border band are multiplied by this, and bounded by tanh: near the end they are small."""


@dataclass(frozen=True)
class State:
    """What the latents of a pass draw.

    Attributes:
        view: images, boxes and latents.
        total: objective of each sample at full weights, [n].
        slopes: by generator, gradient of the totals, [n, 1 + num_ws, w_dim]; zeros for what stands still; None where they
            were not asked for.
    """

    view: View
    total: Tensor
    slopes: Mapping[str, Tensor] | None


@dataclass(frozen=True)
class OnePass:
    """A composer and the mode for which it is asked.

    Attributes:
        composer: trained for the generators of the problem.
        mode: one of its modes.
    """

    composer: Composer
    mode: str

    def run(self, problem: Problem, objective: Objective, sides: Iterable[Side], initial: Initial) -> View:
        """The best state that the passes meet, sample by sample; boxes stand where they are on the start canvas.

        Args:
            problem: from whose start latents the passes go on.
            objective: what they minimise.
            sides: that move.
            initial: what the start latents draw.
        """
        moving, composer = tuple(sides), self.composer
        objective = composer.guard.objective(objective, features=problem.perceptual is not None)
        state = look(problem, objective, moving, first_view(problem, initial), composer, slopes=True)
        total, best, newest = state.total, state.view.latents, torch.ones_like(initial.started)
        for number in range(composer.passes):
            with torch.no_grad():
                offsets = composer(number, self.mode, seen(problem, state))
            latents = added(state.view.latents, offsets, moving)
            last = number + 1 == composer.passes
            view = drawn_at(problem, state.view, latents, moving, graph=not last)
            state = look(problem, objective, moving, view, composer, slopes=not last)
            newest = initial.started & (state.total < total)
            total = torch.where(newest, state.total, total)
            best = {name: codes.replaced(newest, state.view.latents[name]) for name, codes in best.items()}
        return state.view if bool(newest.all()) else drawn_at(problem, state.view, best, moving, graph=False)


def first_view(problem: Problem, initial: Initial) -> View:
    """The view of the start latents, which can be differentiated with respect to them."""
    held = {**initial.images, **problem.references}
    images = initial.images
    return View.of(
        images[CANVAS],
        {part: images[part] for part in problem.parts},
        initial.locations,
        {name: latents.detached() for name, latents in problem.starts.items()},
        reference=held[CANVAS],
        inset_references={part: held[part] for part in problem.parts},
        interiors=initial.interiors,
        perceptual=problem.perceptual,
    )


def moves(name: str, sides: Iterable[Side]) -> bool:
    """Whether a generator belongs to one of the sides."""
    return ("canvas" if name == CANVAS else "inset") in set(sides)


def drawn_at(
    problem: Problem, view: View, latents: Mapping[str, Latents], sides: Iterable[Side], *, graph: bool
) -> View:
    """The view with the images of other latents of the sides that move; with `graph` they can be differentiated."""
    names = [name for name in latents if moves(name, sides)]
    leaves = {
        name: codes.each(lambda _, tensor: tensor.detach().clone().requires_grad_())
        if graph and name in names
        else codes
        for name, codes in latents.items()
    }
    with torch.set_grad_enabled(graph):
        images = draw_all(problem.canvas, problem.parts, leaves, names)
    canvas = images.pop(CANVAS, None)
    insets = {**view.insets.images, **images} if images else None
    return replace(view.drawn(canvas, insets), latents=leaves)


def look(
    problem: Problem,
    objective: Objective,
    sides: Iterable[Side],
    view: View,
    composer: Composer | None = None,
    *,
    slopes: bool,
) -> State:
    """Judge a view by the objective and the guard of a composer, and find the slopes of that where they are asked for.

    The view of the start is drawn again for its slopes.
    """
    moving = tuple(sides)
    leaves = {name: codes.moving for name, codes in view.latents.items() if moves(name, moving)}
    if slopes and not all(leaf.requires_grad for group in leaves.values() for leaf in group):
        view = drawn_at(problem, view, view.latents, moving, graph=True)
        leaves = {name: codes.moving for name, codes in view.latents.items() if moves(name, moving)}
    with torch.set_grad_enabled(slopes):
        total = objective.total(objective.values(view, objective.names(moving)))
        if composer is not None:
            spreads = {name: composer.spread(name) for name in view.latents}
            total = total + composer.guard.distance(view.latents, problem.starts, spreads)
    if not slopes:
        return State(view, total, None)
    flat = [leaf for group in leaves.values() for leaf in group]
    gradients = torch.autograd.grad(total.sum(), flat, allow_unused=True)
    given = iter(torch.zeros_like(leaf) if each is None else each for leaf, each in zip(flat, gradients, strict=True))
    found = {}
    for name, codes in view.latents.items():
        if name in leaves:
            by_name = {kind: next(given) for kind in codes.generator.spaces[codes.space]}
            found[name] = joined(by_name).nan_to_num(0.0, 0.0, 0.0)
        else:
            found[name] = torch.zeros_like(joined(codes.tensors))
    view = replace(view, latents={name: codes.detached() for name, codes in view.latents.items()})
    images = {part: image.detach() for part, image in view.insets.images.items()}
    return State(view.drawn(view.canvas.image.detach(), images), total.detach(), found)


def seen(problem: Problem, state: State) -> Seen:
    """What the composer is told of a state."""
    assert state.slopes is not None
    view = state.view
    parts, boxes = {}, {}
    size = view.canvas.image.new_tensor([problem.canvas.width, problem.canvas.height] * 2)
    for part, region in view.locations.regions.items():
        crop, inset = view.canvas.crops.images[part].detach(), view.insets.small.images[part].detach()
        before = view.insets.reference.small.images[part].detach()
        there = region.present.view(-1, 1, 1, 1)
        border = torch.tanh(SHARPENED * (crop - inset)) * region.working_band
        images = torch.cat([crop, inset, border, before], 1)
        parts[part] = torch.where(there, images, 0.0).contiguous(memory_format=torch.channels_last)
        boxes[part] = torch.where(region.present[:, None], region.boxes.to(size) / size, 0.0)
    ws, moved = {}, {}
    for name, codes in view.latents.items():
        now = joined(codes.tensors).detach()
        ws[name] = now[:, :1] + now[:, 1:]
        moved[name] = now - joined(problem.starts[name].tensors)
    return Seen(parts, boxes, ws, moved, state.slopes)


def joined(tensors: Mapping[str, Tensor]) -> Tensor:
    """w* and the offsets in one tensor, [n, 1 + num_ws, w_dim]."""
    return torch.cat([tensors[SHARED][:, None], tensors[DELTA]], 1)


def added(latents: Mapping[str, Latents], offsets: Mapping[str, Tensor], sides: Iterable[Side]) -> dict[str, Latents]:
    """The latents with the offsets of the sides that move."""
    moving = tuple(sides)

    def plus(offset: Tensor, kind: str, tensor: Tensor) -> Tensor:
        return tensor.detach() + (offset[:, 0] if kind == SHARED else offset[:, 1:]).to(tensor)

    return {
        name: codes.each(lambda kind, tensor, own=offsets[name]: plus(own, kind, tensor))  # type: ignore[misc]
        if moves(name, moving)
        else codes
        for name, codes in latents.items()
    }


def refuse_spaces(spaces: Mapping[str, str]) -> None:
    """Refuse another latent space than that of composers.

    Raises:
        UserError: naming the generator.
    """
    for name, space in spaces.items():
        if space != SPACE:
            raise UserError(f"{name}: space={space}: composers work in {SPACE}; take solver=steps for another")
