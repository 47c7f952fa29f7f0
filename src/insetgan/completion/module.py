"""Training of CoModGAN: GANModule's, with holes in the real images and a generator that fills them."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from insetgan.completion.generator import CoModGenerator
from insetgan.completion.growth import continue_encoder
from insetgan.completion.holes import KINDS, Holes
from insetgan.completion.sheet import completion_sheet
from insetgan.metrics.images import generated_images
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.local_critics import LocalProjectedDiscriminator
from insetgan.networks.projected import ProjectedDiscriminator
from insetgan.networks.synthesis import NoiseMode
from insetgan.ops.images import from_uint8, seeded_latents
from insetgan.training.draws import Draws
from insetgan.training.gan_module import GANModule
from insetgan.training.growth import silence_new_blocks
from insetgan.training.phases import Judge, Phase, PhaseInputs, Scalars
from insetgan.training.real_batch import RealBatch
from insetgan.training.samples import AT_ONCE

_SEEDS = 2**31


class CoModModule(GANModule):
    """A generator that completes real images, and a discriminator that sees them with the mask of what was known.

    Every phase looks at the batch's own images, with the same holes; latents and dropout are each phase's own.

    Args:
        generator: what is trained.
        discriminator: of four channels: mask - 0.5, then the image. A `LocalProjectedDiscriminator` is told where in
            the hole to look closely.
        holes: how often each kind of hole is drawn; see `data.holes.Holes`.
        l1_weight: of the mean absolute difference between what the network draws and the image, in the hole and out of it.
            0, as published, leaves it out. A little ties the hole's colours to their surroundings within few images; much
            makes completions alike and soft.
        shown: images with boxes (`data.faced.FacedImages`) that are completed for sample grids and measurements.
        seed: as for `GANModule`, of holes and dropout as well.
        settings: `recipe` and the others of `GANModule`, without augmentations and path length.

    Raises:
        ValueError: a setting outside its range, or networks that do not fit each other or the batch.
    """

    G: CoModGenerator
    kind = "comodgan"

    def __init__(
        self,
        generator: CoModGenerator,
        discriminator: Discriminator | ProjectedDiscriminator,
        *,
        holes: Mapping[str, float] | None = None,
        l1_weight: float = 0.0,
        shown: Any = None,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        wanted = generator.img_channels + 1
        if discriminator.img_channels != wanted:
            raise ValueError(
                f"discriminator.img_channels={discriminator.img_channels}: must be {wanted}, mask and colours"
            )
        super().__init__(generator, discriminator, seed=seed, **settings)
        for name, value, allowed in (
            ("augment", self.settings.augment, "none"),
            ("pl_weight", self.settings.pl_weight, 0),
        ):
            if value != allowed:
                raise ValueError(f"{name}={value}: must be {allowed} for CoModGAN (recipe=comodgan)")
        if not 0 <= l1_weight < math.inf:
            raise ValueError(f"l1_weight={l1_weight}: must be a number of 0 or more")
        if l1_weight:
            self.phases = tuple(_with_l1(phase, l1_weight) if phase.name == "Gmain" else phase for phase in self.phases)
        self.holes = Holes() if holes is None else Holes(holes)
        self._shown = shown

    def continue_network(
        self, name: str, source: Mapping[str, Tensor], *, new: Sequence[str], adapted: Sequence[str]
    ) -> None:
        """Let new blocks of the generator begin without a say; see `GANModule.continue_network`."""
        if name == "D":
            super().continue_network(name, source, new=new, adapted=adapted)
            return
        generator: Any = self.get_submodule(name)
        silence_new_blocks(generator, new)
        if new:
            below = {key.removeprefix("encoder."): value for key, value in source.items() if key.startswith("encoder.")}
            continue_encoder(generator.encoder, below)

    def generated(self, num: int) -> Iterator[Tensor]:
        """Completions of shown images, uint8; each latent draws its own of them."""

        def draw(latents: Tensor, psi: float, chosen: Tensor) -> Tensor:
            return self.sample(latents, psi, chosen=chosen.tolist())

        return generated_images(draw, self.G.z_dim, num, labels=torch.arange(len(self._shown)))

    @torch.no_grad()
    def sample(
        self,
        latents: Tensor,
        truncation_psi: float,
        labels: Tensor | None = None,
        *,
        chosen: Sequence[int] | None = None,
    ) -> Tensor:
        """Completions by the average generator, noise fixed.

        Args:
            latents: [n, z_dim]; dropout follows from their bits.
            truncation_psi: 1 = no truncation.
            labels: not used, since the networks are not conditional.
            chosen: [n], numbers of the images shown, each with a hole of its own; None takes them in their order.

        Returns:
            [n, 3, h, w].
        """
        if chosen is None:
            chosen = [index % len(self._shown) for index in range(len(latents))]
        pieces = []
        for first in range(0, len(latents), AT_ONCE):
            z = latents[first : first + AT_ONCE]
            images, known = self._with_holes(chosen[first : first + AT_ONCE])
            bits = z[:, 0].contiguous().view(torch.int32).abs().tolist()
            dropout = np.stack([np.random.RandomState(each).rand(self.G.x_dim) for each in bits])
            inputs = (z, images, known, torch.from_numpy(dropout).float())
            pieces.append(self.G_ema(*(each.to(self.device) for each in inputs), truncation_psi=truncation_psi))
        return torch.cat(pieces)

    def grids(self, count: int) -> dict[str, Tensor]:
        """The first images shown with their holes, completed, and as they were."""
        if self._shown is None:
            return {}
        count = min(count, len(self._shown))
        images, known = self._with_holes(range(count))
        completed = self.sample(seeded_latents(range(count), self.G.z_dim), 1.0).float().cpu()
        return {"completions": completion_sheet(images, known, completed)}

    def _with_holes(self, chosen: Any) -> tuple[Tensor, Tensor]:
        """Images shown [n, 3, h, w] in [-1, 1] and what is known of them [n, 1, h, w], the kinds of holes in turn."""
        items = [self._shown[index] for index in chosen]
        height, width = self.G.height, self.G.width
        kinds = [kind for kind in KINDS if self.holes.weights.get(kind, 0) > 0]
        known = [
            Holes({kinds[index % len(kinds)]: 1.0}).known(height, width, box[None], [index])
            for index, (_, box) in zip(chosen, items, strict=True)
        ]
        images = torch.stack([image for image, _ in items])
        return from_uint8(images.permute(0, 2, 3, 1)), torch.cat(known)

    def real_batch(self, batch: Any, draws: Draws) -> RealBatch:
        """Real images; their condition is what is known of them, [n, 1, h, w]."""
        images, boxes = batch
        real = images.float().div_(127.5).sub_(1)
        width = real.shape[3]
        if self.settings.mirror:
            flip = draws.coins()
            real = torch.where(flip[:, None, None, None], real.flip(3), real)
            turned = torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], dim=1)
            unseen = (boxes[:, 2] <= boxes[:, 0])[:, None]
            boxes = torch.where(flip[:, None] & ~unseen, turned, boxes)
        seeds: list[int] = draws.indices(_SEEDS).tolist()
        known = self.holes.known(real.shape[2], width, boxes.cpu(), seeds)
        return RealBatch(real.contiguous(memory_format=torch.channels_last), condition=known.to(real.device))

    def condition(self, real: RealBatch, draws: Draws) -> "HoleCondition":
        """The holes of the images, with a dropout and a place to look closely for this phase."""
        assert real.condition is not None
        dropout = draws.uniforms(self.G.x_dim)
        # Where in the hole they look closely, the same of both kinds of images.
        places = draws.uniforms(1)[:, 0] if isinstance(self.D, LocalProjectedDiscriminator) else None
        return HoleCondition(real.images, real.condition, dropout, places)

    def _main(self) -> dict[str, Any]:
        return {"synthesis": self.G.draw, "D": self.D}


class HoleCondition:
    """Both networks are told what is known of each real image; the generator fills the rest.

    Args:
        images: real, [n, 3, h, w] in [-1, 1].
        known: [n, 1, h, w], 1 = known, 0 = hole.
        dropout: [n, x_dim], uniform in [0, 1), for the generator's encoder.
        places: [n], where local critics look; None for a discriminator without any.

    Attributes:
        drawn: what the network drew last, also under the known pixels, [n, 3, h, w]; None before `draw`.
    """

    def __init__(self, images: Tensor, known: Tensor, dropout: Tensor, places: Tensor | None = None) -> None:
        self.images, self.known, self.dropout, self.places = images, known, dropout, places
        self.drawn: Tensor | None = None

    def draw(self, synthesis: Callable[..., Tensor], ws: Tensor, noise_mode: NoiseMode) -> Tensor:
        """Fill the holes: known pixels are those of the real images."""
        self.drawn = synthesis(ws, self.images, self.known, self.dropout, noise_mode=noise_mode)
        return torch.where(self.known > 0, self.images, self.drawn.to(self.images.dtype))

    def judge(self, discriminator: Judge, images: Tensor, labels: Tensor | None) -> Tensor:
        """Judge images with the mask as a first channel."""
        seen = torch.cat([self.known - 0.5, images], dim=1)
        critics: Any = discriminator
        logits: Tensor = critics(seen) if self.places is None else critics(seen, places=self.places)
        return logits

    def error(self) -> Tensor:
        """Mean absolute difference of what was drawn and the real images, [n]."""
        assert self.drawn is not None
        return (self.drawn.float() - self.images).abs().mean((1, 2, 3))


def _with_l1(phase: Phase, weight: float) -> Phase:
    def loss(inputs: PhaseInputs) -> tuple[Tensor, Scalars]:
        total, scalars = phase.loss(inputs)
        assert isinstance(inputs.condition, HoleCondition)
        error = inputs.condition.error()
        return total + weight * error.mean(), {**scalars, "Loss/l1": error}

    return replace(phase, loss=loss)
