"""What `gpu_checks.py` computes in every precision and holds against float64."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from insetgan.detection.detector import FixedBoxes
from insetgan.detection.part import Part
from insetgan.detection.parts_net import PartsNet
from insetgan.detection.placement import SquarePlacement
from insetgan.networks import Discriminator, Generator
from insetgan.networks.part_critics import PartProjectedDiscriminator
from insetgan.networks.perceptual import feature_distance, unit_features
from insetgan.networks.projected import ProjectedDiscriminator
from insetgan.refine.composition import draw_all
from insetgan.refine.latents import CANVAS, Latents
from insetgan.refine.locate import interiors, locate
from insetgan.refine.objective import Objective
from insetgan.refine.problem import Problem
from insetgan.refine.terms.paper import PAPER
from insetgan.refine.views import View
from insetgan.training.adversarial import LOSSES, r1_penalty
from insetgan.training.augment import AugmentPipe
from insetgan.training.path_length import path_lengths

SIZE: dict[str, Any] = {"channel_base": 1024, "channel_max": 64}
TALL, SQUARE = {"height": 64, "width": 32}, {"height": 32, "width": 32}
Outputs = dict[str, Tensor]


@dataclass(frozen=True)
class Check:
    """A computation on networks and tensors, in any precision and on any device."""

    name: str
    network: Callable[[], nn.Module]
    inputs: Callable[[], dict[str, Tensor]]
    compute: Callable[[Any, dict[str, Tensor]], Outputs]
    kind: str = "result"
    types: tuple[str, ...] = ("fp32", "bf16", "fp16")


def generator(shape: dict[str, int]) -> Generator:
    made = Generator(z_dim=64, w_dim=64, mapping_layers=2, **shape, **SIZE)
    for name, parameter in made.named_parameters():
        if name.endswith("noise_strength"):
            nn.init.constant_(parameter, 0.1)
    return made.eval()


def images(shape: dict[str, int], count: int = 4) -> dict[str, Tensor]:
    return {"images": torch.rand(count, 3, shape["height"], shape["width"]) * 2 - 1}


def codes(count: int = 4) -> dict[str, Tensor]:
    return {"z": torch.randn(count, 64)}


def weights_of(network: nn.Module, loss: Tensor) -> Outputs:
    named = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    # One vector: rounding decides the gradient of a single small weight, and no update hangs on it alone.
    return {"weights": torch.cat([each.flatten() for each in found if each is not None])}


def mapped(network: Any, given: dict[str, Tensor]) -> Outputs:
    ws = network.mapping(given["z"], truncation_psi=0.7, update_w_avg=True)
    return {"ws": ws, "w_avg": network.mapping.w_avg}


def drawn(mode: str) -> Callable[[Any, dict[str, Tensor]], Outputs]:
    def compute(network: Any, given: dict[str, Tensor]) -> Outputs:
        return {"images": network.synthesis(network.mapping(given["z"]), noise_mode=mode)}

    return compute


def latent_step(network: Any, given: dict[str, Tensor]) -> Outputs:
    ws = network.mapping(given["z"]).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(network.synthesis(ws).square().mean(), ws)
    return {"ws": gradient}


def judged(network: Any, given: dict[str, Tensor]) -> Outputs:
    return {"logits": network(given["images"])}


def adversarial(kind: str) -> Callable[[Any, dict[str, Tensor]], Outputs]:
    def compute(network: Any, given: dict[str, Tensor]) -> Outputs:
        real, fake = network(given["images"]), network(given["images"].flip(3) * 0.5)
        loss = LOSSES[kind].discriminator(real, fake).mean() + LOSSES[kind].generator(fake).mean()
        return {"loss": loss, **weights_of(network, loss)}

    return compute


def r1(network: Any, given: dict[str, Tensor]) -> Outputs:
    penalty = r1_penalty(network, given["images"])
    return {"penalty": penalty, **weights_of(network, penalty.mean())}


class Augmented(nn.Module):
    """A discriminator behind the augmentation pipeline."""

    def __init__(self, pipe: str) -> None:
        super().__init__()
        self.pipe, self.judge = AugmentPipe(pipe), Discriminator(**SQUARE, **SIZE)

    def augment(self, given: dict[str, Tensor], images: Tensor) -> Tensor:
        """Augment images by the numbers that are given."""
        return self.pipe(images, given["p"].to(images.dtype), given["uniforms"])  # type: ignore[no-any-return]


def augmented_inputs(pipe: str) -> Callable[[], dict[str, Tensor]]:
    def make() -> dict[str, Tensor]:
        return {
            **images(SQUARE),
            "p": torch.tensor(0.6),
            "uniforms": torch.rand(4, AugmentPipe(pipe).columns) * 0.98 + 0.01,
        }

    return make


def augmented(network: Any, given: dict[str, Tensor]) -> Outputs:
    return {"images": network.augment(given, given["images"])}


def augmented_r1(network: Any, given: dict[str, Tensor]) -> Outputs:
    penalty = r1_penalty(lambda images: network.judge(network.augment(given, images)), given["images"])
    return {"penalty": penalty, **weights_of(network, penalty.mean())}


def path_length(network: Any, given: dict[str, Tensor]) -> Outputs:
    ws = network.mapping(given["z"])
    lengths = path_lengths(network.synthesis(ws, noise_mode="const"), ws, given["noise"])
    return {"lengths": lengths, **weights_of(network, (lengths - 1).square().mean())}


def described(network: Any, given: dict[str, Tensor]) -> Outputs:
    found = network(given["images"])
    maps = network.features(given["images"])
    # Deep maps of random weights are small numbers; together they weigh as they count.
    return {"boxes": found.boxes, "scores": found.scores, "maps": torch.cat([each.flatten() for each in maps])}


def distance(network: Any, given: dict[str, Tensor]) -> Outputs:
    points = given["images"].detach().requires_grad_()
    ours, theirs = (unit_features(network.features(each)) for each in (points, given["images"].flip(3)))
    found = feature_distance(ours, theirs)
    return {"distance": found, "images": torch.autograd.grad(found.sum(), points)[0]}


class Composed(nn.Module):
    """What a refinement is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.canvas, self.inset = generator(TALL).requires_grad_(False), generator(SQUARE).requires_grad_(False)
        self.perceptual = PartsNet(working_height=64).eval().requires_grad_(False)

    def problem(self, z: Tensor) -> Problem:
        """A refinement of samples z [n, 64]."""
        starts = {}
        for name, network in ((CANVAS, self.canvas), ("face", self.inset)):
            starts[name] = Latents(network.sample(z, z.new_ones(len(z), network.layers).double()), network)
        part = Part("face", self.inset, FixedBoxes({"face": (8, 8, 24, 24)}), SquarePlacement(margin=0.0))
        return Problem(self.canvas, {"face": part}, starts, self.perceptual)


def refinement(network: Any, given: dict[str, Tensor]) -> Outputs:
    problem, objective = network.problem(given["z"]), Objective(dict(PAPER))
    latents = {name: each.detached() for name, each in problem.starts.items()}
    leaves = [leaf.requires_grad_() for each in latents.values() for leaf in each.moving]
    with torch.no_grad():
        start = draw_all(problem.canvas, problem.parts, problem.starts, problem.generators)
        locations = locate(problem, start[CANVAS], start)
        inner = interiors(problem, locations)
        for leaf in leaves:
            leaf += 0.05  # away from the start, where what holds on to it has a kink
    images = draw_all(problem.canvas, problem.parts, latents, problem.generators)
    references = {"face": start["face"]}
    view = View.of(
        images[CANVAS], {"face": images["face"]}, locations, latents, reference=start[CANVAS],
        inset_references=references, interiors=inner, perceptual=problem.perceptual,
    )  # fmt: skip
    values = objective.values(view, objective.names())
    gradients = torch.autograd.grad(objective.total(values).sum(), leaves)
    return {**values, **{f"gradient {index}": each for index, each in enumerate(gradients)}}


def checks() -> list[Check]:
    def parts_net() -> PartsNet:
        return PartsNet(working_height=64).eval()

    def projected() -> ProjectedDiscriminator:
        return ProjectedDiscriminator(parts_net(), **TALL, mixed_channels=16, critic_channels=16).eval()

    def by_parts() -> PartProjectedDiscriminator:
        windows = {"face": 0.5}
        sizes = {"mixed_channels": 16, "critic_channels": 16}
        return PartProjectedDiscriminator(parts_net(), locator=parts_net(), windows=windows, **TALL, **sizes).eval()

    def critic(shape: dict[str, int]) -> Callable[[], nn.Module]:
        return lambda: Discriminator(**shape, **SIZE)

    def noisy() -> dict[str, Tensor]:
        return {**codes(), "noise": torch.randn(4, 3, 64, 32)}

    exact = ("fp32",)
    found = [Check("mapping, w_avg", lambda: generator(SQUARE), codes, mapped)]
    for title, shape in (("square", SQUARE), ("rectangular", TALL)):
        for mode in ("const", "none"):
            found.append(Check(f"synthesis, {title}, {mode}", lambda shape=shape: generator(shape), codes, drawn(mode)))  # type: ignore[misc]
        found.append(Check(f"discriminator, {title}", critic(shape), lambda shape=shape: images(shape), judged))  # type: ignore[misc]
    found += [
        Check("latent step", lambda: generator(TALL), codes, latent_step, "gradient"),
        Check("projected discriminator", projected, lambda: images(TALL), judged),
        Check("projected discriminator, parts", by_parts, lambda: images(TALL), judged),
        Check("PartsNet", parts_net, lambda: images(TALL), described),
        Check("perceptual distance", parts_net, lambda: images(TALL), distance, "gradient"),
        Check("logistic loss", critic(SQUARE), lambda: images(SQUARE), adversarial("logistic"), "gradient"),
        Check("hinge loss", critic(SQUARE), lambda: images(SQUARE), adversarial("hinge"), "gradient"),
        Check("R1, twice differentiated", critic(SQUARE), lambda: images(SQUARE), r1, "gradient", exact),
        Check("path length, twice differentiated", lambda: generator(TALL), noisy, path_length, "gradient", exact),
        Check("refinement: terms and gradients", Composed, codes, refinement, "gradient"),
    ]
    for pipe in ("bgc", "diff"):
        made = lambda pipe=pipe: Augmented(pipe)  # type: ignore[misc] # noqa: E731
        found.append(Check(f"augmentation {pipe}", made, augmented_inputs(pipe), augmented))
        found.append(Check(f"augmentation {pipe}, R1", made, augmented_inputs(pipe), augmented_r1, "gradient", exact))
    return found
