"""A walk through latent space: latents are interpolated, and each image starts from what made the one before it fit."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from insetgan.detection.placement import Placement
from insetgan.networks.synthesiser import LatentTensors
from insetgan.refine.latents import Latents
from insetgan.refine.problem import Problem


@dataclass(frozen=True)
class Footing:
    """What the next image of a walk takes over from the last one.

    Attributes:
        shifts: what the optimisation added to the interpolated latents of one sample, by generator.
        placements: where the parts were in the end, by name.
    """

    shifts: Mapping[str, LatentTensors]
    placements: Mapping[str, Placement]


def between(codes: Latents, image: int, steps: int) -> Latents:
    """The interpolated latents of one image of a walk, a batch of one.

    Args:
        codes: one sample a stop of the walk.
        image: number of the image, from 0; image k * steps is stop k.
        steps: images from one stop to the next.
    """
    stop = min(image // steps, codes.size - 2)
    share = image / steps - stop
    return codes.each(lambda name, tensor: torch.lerp(tensor[stop], tensor[stop + 1], share)[None])


def image_names(stops: Sequence[int], steps: int) -> list[str]:
    """Names of the images of a walk, by the seeds between which they stand.

    Args:
        stops: seeds that the walk leads by.
        steps: images from one stop to the next.

    Returns:
        `3` for the stop of seed 3, `3-to-8-05` for the fifth image on the way from there to seed 8; digits enough for all.
    """
    digits = len(str(steps - 1))
    names = []
    for first, last in pairwise(stops):
        names += [str(first), *(f"{first}-to-{last}-{number:0{digits}}" for number in range(1, steps))]
    return [*names, str(stops[-1])]


def set_out(problem: Problem, images: Mapping[str, Tensor], footing: Footing | None) -> Problem:
    """Make the problem of an image go on from the last one.

    L_body and L_part hold on to the images of the interpolated latents themselves, so that the walk stays on its way.

    Args:
        problem: starts from the interpolated latents.
        images: of these latents, by generator.
        footing: of the last image; None for the first.
    """
    if footing is None:
        return problem
    starts = {name: _added(codes, footing.shifts[name]) for name, codes in problem.starts.items()}
    return replace(problem, starts=starts, references=dict(images), placements=footing.placements)


def footing_of(
    latents: Mapping[str, Latents], placements: Mapping[str, Placement], interpolated: Mapping[str, Latents]
) -> Footing:
    """What a result, a batch of one, leaves to the next image: its latents without the interpolated ones, and its places."""
    shifts = {
        name: {kind: tensor - interpolated[name].tensors[kind] for kind, tensor in codes.tensors.items()}
        for name, codes in latents.items()
    }
    return Footing(shifts, placements)


def _added(codes: Latents, shift: LatentTensors) -> Latents:
    return codes.each(lambda kind, tensor: tensor + shift[kind].to(tensor))


def steadiness(images: Iterable[Tensor]) -> float:
    """How far neighbours in a walk differ: mean absolute difference, 0 to 255, of two or more uint8 images [H, W, 3]."""
    return statistics.mean(float((a.double() - b.double()).abs().mean()) for a, b in pairwise(images))
