"""What `gpu_checks.py` runs as a whole on a device: batches, fresh noise, iterations of training, a refinement."""

from collections.abc import Callable
from typing import Any

import torch
from gpu_cases import SIZE, TALL, Composed, generator

from insetgan.detection.parts_net import PartsNet
from insetgan.networks import Discriminator
from insetgan.networks.part_critics import PartProjectedDiscriminator
from insetgan.refine.objective import Objective
from insetgan.refine.schedule import Schedule
from insetgan.refine.solver import refine
from insetgan.refine.terms.paper import PAPER
from insetgan.training.gan_module import GANModule
from insetgan.training.real_batch import RealBatch

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def same_in_any_batch(device: str) -> tuple[float, float]:
    """A sample alone, among 4 and among 8: the largest relative error, and its limit."""
    torch.manual_seed(0)
    network, z = generator(TALL).to(device), torch.randn(8, 64).to(device)
    with torch.inference_mode():
        alone, *others = (network(z[:count])[0].double() for count in (1, 4, 8))
    return max(float((each - alone).norm() / alone.norm()) for each in others), 1e-5


def random_noise(device: str) -> tuple[float, float]:
    """Fresh noise changes images, and no more than the fixed noise does: how far off its share is, and its limit."""
    torch.manual_seed(0)
    network = generator(TALL).to(device)
    ws = network.mapping(torch.randn(8, 64).to(device))
    with torch.inference_mode():
        none, const, random = (network.synthesis(ws, noise_mode=mode).double() for mode in ("none", "const", "random"))
    return abs(float((random - none).norm() / (const - none).norm()) - 1), 0.3


def training_steps(device: str, kind: str, parts: bool) -> tuple[float, float]:
    """All phases of an iteration and their updates: the number of gradients and weights that are not finite, and 0."""
    torch.manual_seed(0)
    made = generator(TALL).train()
    judge: Any = Discriminator(**TALL, **SIZE)
    recipe: dict[str, Any] = {"gamma": 1.0, "pl_weight": 2.0, "augment": "bgc"}
    if parts:
        nets = [PartsNet(working_height=64) for _ in range(2)]
        judge = PartProjectedDiscriminator(nets[0], locator=nets[1], windows={"face": 0.5}, **TALL)
        recipe = {"gamma": 0.0, "augment": "diff", "loss": "hinge"}
    module = GANModule(made, judge, batch_size=8, batch_gpu=4, augment_p=0.5, style_mixing=0.9, **recipe).to(device)
    optimizers = module.configure_optimizers()
    share = module.share()
    batch = (torch.rand(8, 3, 64, 32) * 255).to(torch.uint8).to(device)
    bad = 0
    with torch.autocast(device, dtype=TYPES[kind], enabled=kind != "fp32"):
        real: RealBatch = module.real_batch(batch, module._draws(share, "real"))
        for phase in module.phases:
            module.find_gradients(phase, share, real)
            network = module.G if phase.network == "G" else module.D
            gradients = [each.grad for each in network.parameters() if each.grad is not None]
            bad += sum(not bool(each.isfinite().all()) for each in gradients) + (not gradients)
            module._update(phase, optimizers[0 if phase.network == "G" else 1])
    return bad + sum(not bool(each.isfinite().all()) for each in module.parameters()), 0.0


def recorded_steps(device: str, kind: str) -> tuple[float, float]:
    """Three iterations with CUDA graphs beside three without: the relative difference of all weights, and its limit."""
    found = []
    for graphs in (False, True):
        torch.manual_seed(0)
        made = generator(TALL).train()
        nets = [PartsNet(working_height=64) for _ in range(2)]
        judge = PartProjectedDiscriminator(nets[0], locator=nets[1], windows={"face": 0.5}, **TALL)
        recipe: dict[str, Any] = {"gamma": 0.0, "augment": "diff", "augment_p": 0.5, "loss": "hinge", "noise": False}
        module = GANModule(made, judge, batch_size=8, lr=0.001, graphs=graphs, betas=(0.9, 0.99), **recipe).to(device)
        optimizers = module.configure_optimizers()
        share = module.share()
        for step in range(3):
            torch.manual_seed(step)
            batch = (torch.rand(8, 3, 64, 32) * 255).to(torch.uint8).to(device)
            with torch.autocast(device, dtype=TYPES[kind], enabled=kind != "fp32"):
                real = module.real_batch(batch, module._draws(share, "real"))
                for phase in module.phases:
                    module.find_gradients(phase, share, real)
                    module._update(phase, optimizers[0 if phase.network == "G" else 1])
            module.nimg += 8
        weights = [*module.G.parameters(), *module.D.parameters(), *module.D.buffers()]
        found.append(torch.cat([each.detach().double().flatten() for each in weights]))
    return float((found[1] - found[0]).norm() / found[0].norm()), 1e-4 if kind == "fp32" else 5e-3


def refined(device: str, kind: str) -> tuple[float, float]:
    """A short refinement: the number of samples that do not end well, and 0."""
    torch.manual_seed(0)
    composed, z = Composed().to(device), torch.randn(4, 64).to(device)
    with torch.autocast(device, dtype=TYPES[kind], enabled=kind != "fp32"):
        result = refine(composed.problem(z), Objective(dict(PAPER)), Schedule(steps=6, block=2))
    finite = result.refined.isfinite().flatten(1).all(1)
    return sum(status != "ok" for status in result.status) + float((~finite).sum()), 0.0


def runs(device: str) -> list[tuple[str, str, Callable[[], tuple[float, float]]]]:
    found: list[tuple[str, str, Callable[[], tuple[float, float]]]] = [
        ("a sample alone, of 4, of 8", "fp32", lambda: same_in_any_batch(device)),
        ("synthesis, fresh noise", "fp32", lambda: random_noise(device)),
    ]
    for kind in TYPES:
        found.append(("iteration, StyleGAN2", kind, lambda kind=kind: training_steps(device, kind, False)))  # type: ignore[misc]
        found.append(("iteration, projected, parts", kind, lambda kind=kind: training_steps(device, kind, True)))  # type: ignore[misc]
        found.append(("iterations recorded as CUDA graphs", kind, lambda kind=kind: recorded_steps(device, kind)))  # type: ignore[misc]
        found.append(("refinement, 6 steps", kind, lambda kind=kind: refined(device, kind)))  # type: ignore[misc]
    return found
