"""The phases of a training step: named losses, each with the network it updates, how often, and how strongly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from insetgan.networks.synthesis import NoiseMode
from insetgan.training.adversarial import LOSSES, AdversarialLoss, r1_penalty
from insetgan.training.draws import Draws
from insetgan.training.path_length import path_lengths

Scalars = dict[str, Tensor]
Judge = Callable[[Tensor, Tensor | None], Tensor]
"""Images [n, 3, h, w] and labels [n, c] or None -> logits [n, k]."""


class Condition(Protocol):
    """What both networks are told of each real image beside its label, such as the hole that is to be filled."""

    def draw(self, synthesis: Callable[..., Tensor], ws: Tensor, noise_mode: NoiseMode) -> Tensor:
        """Draw images [n, 3, h, w] of latents [n, num_ws, w_dim] under this condition."""
        ...

    def judge(self, discriminator: Judge, images: Tensor, labels: Tensor | None) -> Tensor:
        """Logits [n, k] of images under this condition."""
        ...


@dataclass(frozen=True)
class PhaseInputs:
    """What a phase may look at.

    Attributes:
        generator: in training mode; has gradients only in its own phases. A `networks.generator.Generator`, or a network
            that has `z_dim`, `num_ws`, `mapping` and `synthesis` as that has.
        discriminator: likewise; takes labels where the networks are conditional.
        real: [n, 3, h, w] in [-1, 1].
        draws: random numbers of this phase.
        labels: of the real images, [n, c]; None without.
        condition: what else both networks are told of the real images; None for nothing.
        label_table: labels of the whole data set [k, c], from which generated images get theirs.
        augment: what both kinds of images go through before they are judged; None for nothing.
        style_mixing: probability that a batch mixes two latents.
        noise_mode: of the synthesis.
        path_mean: the running mean of path lengths, a 0-dimensional buffer.
        average: mean of a tensor over all processes.
        rounds: parts in which this process computes its batch.
        synthesis: draws images of latents in the place of the generator's own, such as its compiled twin.
    """

    generator: Any
    discriminator: Judge
    real: Tensor
    draws: Draws
    labels: Tensor | None = None
    condition: Condition | None = None
    label_table: Tensor | None = None
    augment: Callable[[Tensor, Draws], Tensor] | None = None
    style_mixing: float = 0.0
    noise_mode: NoiseMode = "random"
    path_mean: Tensor | None = None
    average: Callable[[Tensor], Tensor] = lambda mean: mean
    rounds: int = 1
    synthesis: Callable[..., Tensor] | None = None

    def judge(self, images: Tensor, labels: Tensor | None) -> Tensor:
        """Logits of images, augmented first."""
        seen = images if self.augment is None else self.augment(images, self.draws)
        if self.condition is None:
            return self.discriminator(seen, labels)
        return self.condition.judge(self.discriminator, seen, labels)

    def draw(self, ws: Tensor) -> Tensor:
        """Draw images [n, 3, h, w] of latents [n, num_ws, w_dim]."""
        synthesis: Callable[..., Tensor] = self.generator.synthesis if self.synthesis is None else self.synthesis
        if self.condition is None:
            return synthesis(ws, noise_mode=self.noise_mode)
        return self.condition.draw(synthesis, ws, self.noise_mode)


@dataclass(frozen=True)
class Phase:
    """One loss, minimised over one network.

    Attributes:
        name: as StyleGAN's users know it: Gmain, Gpl, Dmain, Dr1.
        network: the one that is updated; "G" or "D".
        loss: a function to (mean loss, scalars to log by the field's names).
        interval: runs in every `interval`-th step.
        gain: factor of the loss, `interval` for a lazy regulariser, so that its mean strength stays.
        regularises: whether it counts for the correction of the optimiser (`lazy_correction`). Its loss is then
            differentiated twice, and computed in float32.
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


def standard_phases(
    *,
    gamma: float,
    r1_interval: int = 16,
    loss: str = "logistic",
    pl_weight: float = 0.0,
    pl_interval: int = 4,
    pl_decay: float = 0.01,
    pl_batch_shrink: int = 2,
) -> tuple[Phase, ...]:
    """Gmain, Gpl, Dmain and Dr1, the regularisers lazily.

    Args:
        loss: one of `losses.adversarial.LOSSES`.
        gamma: weight of R1; 0 leaves it out.
        r1_interval: steps between two R1 updates.
        pl_weight: weight of path length regularisation; 0 leaves it out.
        pl_interval: steps between two of its updates.
        pl_decay: how fast the running mean of path lengths moves.
        pl_batch_shrink: its batch is so many times as small.
    """
    phases = [Phase("Gmain", "G", partial(generator_main, adversarial=LOSSES[loss]))]
    if pl_weight > 0:
        path = partial(generator_path_length, weight=pl_weight, decay=pl_decay, batch_shrink=pl_batch_shrink)
        phases.append(Phase("Gpl", "G", path, interval=pl_interval, gain=pl_interval, regularises=True))
    phases.append(Phase("Dmain", "D", partial(discriminator_main, adversarial=LOSSES[loss])))
    if gamma > 0:
        r1 = partial(discriminator_r1, gamma=gamma)
        phases.append(Phase("Dr1", "D", r1, interval=r1_interval, gain=r1_interval, regularises=True))
    return tuple(phases)


def generator_main(inputs: PhaseInputs, *, adversarial: AdversarialLoss = LOSSES["logistic"]) -> tuple[Tensor, Scalars]:
    """The generator's adversarial loss on a fresh batch."""
    images, labels, _ = _generate(inputs, inputs.draws)
    logits = inputs.judge(images, labels)
    loss = adversarial.generator(logits).mean()
    return loss, {"Loss/G/loss": loss, "Loss/scores/fake": logits, "Loss/signs/fake": logits.sign()}


def generator_path_length(
    inputs: PhaseInputs, *, weight: float, decay: float = 0.01, batch_shrink: int = 2
) -> tuple[Tensor, Scalars]:
    """Path length regularisation: weight times the squared distance of path lengths from their running mean.

    Karras et al. 2020 (StyleGAN2), section 3.2: `E (|J_w^T y|_2 - a)^2`, a the running mean, on a smaller batch, in float32
    whatever the precision of the run. The mean moves first, by all processes' lengths, and is used at once.
    """
    assert inputs.path_mean is not None
    few = inputs.draws.fewer(batch_shrink)
    with torch.autocast(inputs.real.device.type, enabled=False):
        images, _, ws = _generate(inputs, few)
        lengths = path_lengths(images, ws, few.images(*images.shape[1:]))
        mean = inputs.average(lengths.detach().mean())
        target = inputs.path_mean.lerp_(mean, decay / inputs.rounds).clone()
        penalty = (lengths - target).square()
        loss = penalty.mean() * weight
    return loss, {"Loss/pl_penalty": penalty, "Loss/path_length": lengths, "Loss/G/reg": loss}


def discriminator_main(
    inputs: PhaseInputs, *, adversarial: AdversarialLoss = LOSSES["logistic"]
) -> tuple[Tensor, Scalars]:
    """The discriminator's adversarial loss; the generator runs without a graph."""
    with torch.no_grad():
        fake, fake_labels, _ = _generate(inputs, inputs.draws)
    fake_logits, real_logits = inputs.judge(fake, fake_labels), inputs.judge(inputs.real, inputs.labels)
    loss = adversarial.discriminator(real_logits, fake_logits).mean()
    return loss, {"Loss/D/loss": loss, "Loss/scores/real": real_logits, "Loss/signs/real": real_logits.sign()}


def discriminator_r1(inputs: PhaseInputs, *, gamma: float) -> tuple[Tensor, Scalars]:
    """R1: gamma / 2 times the squared gradient at real images, in float32 whatever the precision of the run.

    The gradient is with respect to the images before they are augmented (Karras et al. 2020, ADA).
    """
    with torch.autocast(inputs.real.device.type, enabled=False):
        penalty = r1_penalty(lambda images: inputs.judge(images, inputs.labels), inputs.real)
        loss = penalty.mean() * (gamma / 2)
    return loss, {"Loss/r1_penalty": penalty, "Loss/D/reg": loss}


@torch.no_grad()
def track_w_avg(generator: Any, draws: Draws, label_table: Tensor | None = None) -> None:
    """Let the mean latent of a whole batch enter w_avg; processes that draw alike need not talk about it."""
    labels = _labels(label_table, draws)
    generator.mapping(draws.normal(generator.z_dim), labels, update_w_avg=True)


def _generate(inputs: PhaseInputs, draws: Draws) -> tuple[Tensor, Tensor | None, Tensor]:
    """Images, their labels and latents ws, some batches mixed from two latents."""
    generator = inputs.generator
    labels = _labels(inputs.label_table, draws)
    ws = generator.mapping(draws.normal(generator.z_dim), labels)
    if inputs.style_mixing > 0 and draws.happens(inputs.style_mixing):
        cut = draws.integer(1, generator.num_ws)
        other = generator.mapping(draws.normal(generator.z_dim), labels)
        ws = torch.cat([ws[:, :cut], other[:, cut:]], dim=1)
    return inputs.draw(ws), labels, ws


def _labels(table: Tensor | None, draws: Draws) -> Tensor | None:
    """Labels as frequent as in the data set, or None without."""
    return None if table is None else table[draws.indices(len(table))]
