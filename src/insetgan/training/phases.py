"""The phases of a training step: named losses, each with the network it updates, how often, and how strongly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from insetgan.losses.adversarial import LOSSES, AdversarialLoss, r1_penalty
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator
from insetgan.networks.projected import ProjectedDiscriminator
from insetgan.networks.synthesis import NoiseMode
from insetgan.training.draws import Draws

Scalars = dict[str, Tensor]


@dataclass(frozen=True)
class PhaseInputs:
    """What a phase may look at.

    Attributes:
        generator: in training mode; has gradients only in its own phases.
        discriminator: likewise.
        real: [n, 3, h, w] in [-1, 1].
        draws: random numbers of this step.
        style_mixing: probability that a batch mixes two latents.
        noise_mode: of the synthesis.
    """

    generator: Generator
    discriminator: Discriminator | ProjectedDiscriminator
    real: Tensor
    draws: Draws
    style_mixing: float = 0.0
    noise_mode: NoiseMode = "random"


@dataclass(frozen=True)
class Phase:
    """One loss, minimised over one network.

    Attributes:
        name: as StyleGAN's users know it: Gmain, Dmain, Dr1.
        network: the one that is updated; "G" or "D".
        loss: a pure function to (mean loss, scalars to log by the field's names).
        interval: runs in every `interval`-th step.
        gain: factor of the loss, `interval` for a lazy regulariser, so that its mean strength stays.
        regularises: whether it counts for the correction of the optimiser (`lazy_correction`).
    """

    name: str
    network: Literal["G", "D"]
    loss: Callable[[PhaseInputs], tuple[Tensor, Scalars]]
    interval: int = 1
    gain: float = 1.0
    regularises: bool = False

    def due(self, step: int) -> bool:
        """Whether the phase runs in this step."""
        return step % self.interval == 0


def lazy_correction(phases: Sequence[Phase], network: str) -> float:
    """The factor c = k / (k + 1) on the learning rate, and power on the betas, of a network regularised every k steps.

    A lazy regulariser makes k + 1 updates out of k; the correction keeps the optimiser's memory and speed the same in
    steps (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", appendix B). 1 without one.
    """
    intervals = [phase.interval for phase in phases if phase.network == network and phase.regularises]
    return intervals[0] / (intervals[0] + 1) if intervals else 1.0


def standard_phases(*, gamma: float, r1_interval: int = 16, loss: str = "logistic") -> tuple[Phase, ...]:
    """Gmain, Dmain and lazily regularised Dr1.

    Args:
        loss: one of `losses.adversarial.LOSSES`.
        gamma: weight of R1; 0 leaves it out.
        r1_interval: steps between two R1 updates.
    """
    phases = [
        Phase("Gmain", "G", partial(generator_main, adversarial=LOSSES[loss])),
        Phase("Dmain", "D", partial(discriminator_main, adversarial=LOSSES[loss])),
    ]
    if gamma > 0:
        r1 = partial(discriminator_r1, gamma=gamma)
        phases.append(Phase("Dr1", "D", r1, interval=r1_interval, gain=r1_interval, regularises=True))
    return tuple(phases)


def generator_main(inputs: PhaseInputs, *, adversarial: AdversarialLoss = LOSSES["logistic"]) -> tuple[Tensor, Scalars]:
    """The generator's adversarial loss on a fresh batch."""
    logits = inputs.discriminator(_generate(inputs))
    loss = adversarial.generator(logits).mean()
    return loss, {"Loss/G/loss": loss, "Loss/scores/fake": logits, "Loss/signs/fake": logits.sign()}


def discriminator_main(
    inputs: PhaseInputs, *, adversarial: AdversarialLoss = LOSSES["logistic"]
) -> tuple[Tensor, Scalars]:
    """The discriminator's adversarial loss; the generator runs without a graph and updates its w_avg."""
    with torch.no_grad():
        fake = _generate(inputs, update_w_avg=True)
    fake_logits, real_logits = inputs.discriminator(fake), inputs.discriminator(inputs.real)
    loss = adversarial.discriminator(real_logits, fake_logits).mean()
    return loss, {"Loss/D/loss": loss, "Loss/scores/real": real_logits, "Loss/signs/real": real_logits.sign()}


def discriminator_r1(inputs: PhaseInputs, *, gamma: float) -> tuple[Tensor, Scalars]:
    """R1: gamma / 2 times the squared gradient at real pictures, in float32 whatever the precision of the run."""
    with torch.autocast(inputs.real.device.type, enabled=False):
        penalty = r1_penalty(inputs.discriminator, inputs.real)
        loss = penalty.mean() * (gamma / 2)
    return loss, {"Loss/r1_penalty": penalty, "Loss/D/reg": loss}


def _generate(inputs: PhaseInputs, *, update_w_avg: bool = False) -> Tensor:
    """Pictures from fresh latents, as many as there are real ones, some batches mixed from two latents."""
    generator, draws, count = inputs.generator, inputs.draws, len(inputs.real)
    ws = generator.mapping(draws.normal(count, generator.z_dim), update_w_avg=update_w_avg)
    if inputs.style_mixing > 0 and draws.happens(inputs.style_mixing):
        cut = draws.integer(1, generator.num_ws)
        other = generator.mapping(draws.normal(count, generator.z_dim))
        ws = torch.cat([ws[:, :cut], other[:, cut:]], dim=1)
    images: Tensor = generator.synthesis(ws, noise_mode=inputs.noise_mode)
    return images
