"""Training of CoModGAN: GANModule's, with holes in the real pictures and a generator that fills them."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from insetgan.completion.generator import CoModGenerator
from insetgan.completion.holes import KINDS, Holes
from insetgan.completion.sheet import completion_sheet
from insetgan.data.share import Share
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.local_critics import LocalProjectedDiscriminator
from insetgan.networks.projected import ProjectedDiscriminator
from insetgan.ops.images import from_uint8, seeded_latents
from insetgan.training.draws import Draws
from insetgan.training.gan_module import GANModule
from insetgan.training.phases import Phase, PhaseInputs, Scalars

AT_ONCE = 16
_SEEDS = 2**31


class CoModModule(GANModule):
    """A generator that completes real pictures, and a discriminator that sees them with the mask of what was known.

    Every phase looks at the batch's own pictures, with the same holes; latents and dropout are each phase's own.

    Args:
        generator: what is trained.
        discriminator: of four channels: mask - 0.5, then the picture. A `LocalProjectedDiscriminator` is told where in
            the hole to look closely.
        holes: how often each kind of hole is drawn; see `data.holes.Holes`.
        l1_weight: of the mean absolute difference between what the network draws and the picture, in the hole and out of it.
            0, as published, leaves it out. A little ties the hole's colours to their surroundings within few images; much
            makes completions alike and soft.
        shown: pictures with boxes (`data.faced.FacedPictures`) that are completed for sample grids and measurements.
        seed: as for `GANModule`, of holes and dropout as well.
        settings: the fields of `gan_settings.GANSettings`, without augmentations and path length.

    Raises:
        ValueError: a setting outside its range, or networks that do not fit each other or the batch.
    """

    G: CoModGenerator

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

    @property
    def choices(self) -> Tensor:
        """The pictures that `sample` completes, by number: float32 [m, 1]."""
        return torch.arange(len(self._shown), dtype=torch.float32)[:, None]

    def exports(self) -> dict[str, tuple[nn.Module, str]]:
        """The average generator."""
        return {"network": (self.G_ema, "comodgan")}

    @torch.no_grad()
    def sample(self, latents: Tensor, truncation_psi: float, labels: Tensor | None = None) -> Tensor:
        """Completions by the average generator, noise fixed.

        Args:
            latents: [n, z_dim]; dropout follows from their bits.
            truncation_psi: 1 = no truncation.
            labels: [n, 1], numbers of the pictures shown, each with a hole of its own; None takes them in their order.

        Returns:
            [n, 3, h, w].
        """
        chosen = torch.arange(len(latents)) % len(self._shown) if labels is None else labels[:, 0].long()
        pieces = []
        for first in range(0, len(latents), AT_ONCE):
            z = latents[first : first + AT_ONCE]
            pictures, known = self._with_holes(chosen[first : first + AT_ONCE].tolist())
            bits = z[:, 0].contiguous().view(torch.int32).abs().tolist()
            dropout = np.stack([np.random.RandomState(each).rand(self.G.x_dim) for each in bits])
            inputs = (z, pictures, known, torch.from_numpy(dropout).float())
            pieces.append(self.G_ema(*(each.to(self.device) for each in inputs), truncation_psi=truncation_psi))
        return torch.cat(pieces)

    def grids(self, count: int) -> dict[str, Tensor]:
        """The first pictures shown with their holes, completed, and as they were."""
        if self._shown is None:
            return {}
        count = min(count, len(self._shown))
        pictures, known = self._with_holes(range(count))
        completed = self.sample(seeded_latents(range(count), self.z_dim), 1.0).float().cpu()
        return {"completions": completion_sheet(pictures, known, completed)}

    def _with_holes(self, chosen: Any) -> tuple[Tensor, Tensor]:
        """Pictures shown [n, 3, h, w] in [-1, 1] and what is known of them [n, 1, h, w], the kinds of holes in turn."""
        items = [self._shown[index] for index in chosen]
        height, width = self.G.height, self.G.width
        kinds = [kind for kind in KINDS if self.holes.weights.get(kind, 0) > 0]
        known = [
            Holes({kinds[index % len(kinds)]: 1.0}).known(height, width, box[None], [index])
            for index, (_, box) in zip(chosen, items, strict=True)
        ]
        images = torch.stack([image for image, _ in items])
        return from_uint8(images.permute(0, 2, 3, 1)), torch.cat(known)

    def _real(self, batch: Any, draws: Draws) -> tuple[Tensor, Tensor]:
        """Real pictures, and what is known of them [n, 1, h, w], which takes the place of labels."""
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
        return real.contiguous(memory_format=torch.channels_last), known.to(real.device)

    def _inputs(self, phase: Phase, share: Share, real: Tensor, labels: Tensor | None) -> Iterator[PhaseInputs]:
        """What a phase looks at, its networks told of the holes."""
        for inputs in super()._inputs(phase, share, real, labels):
            yield self._told(inputs)

    def _told(self, inputs: PhaseInputs) -> PhaseInputs:
        known, draw, judge = inputs.labels, inputs.synthesis, inputs.discriminator
        assert known is not None and draw is not None
        synthesis = _Completion(draw, inputs.real, known, inputs.draws.uniforms(self.G.x_dim))
        local = isinstance(self.D, LocalProjectedDiscriminator)
        # Where in the hole they look closely, the same of both kinds of pictures.
        places = inputs.draws.uniforms(1)[:, 0] if local else None

        def discriminator(images: Tensor, _: Tensor | None) -> Tensor:
            return judge(torch.cat([known - 0.5, images], dim=1), places)

        return replace(inputs, labels=None, synthesis=synthesis, discriminator=discriminator)

    def _main(self) -> dict[str, Any]:
        return {"synthesis": self.G.draw, "D": self.D}


class _Completion:
    """Completes a phase's pictures in the place of a synthesis, and remembers what was drawn under the known pixels."""

    def __init__(self, draw: Callable[..., Tensor], pictures: Tensor, known: Tensor, dropout: Tensor) -> None:
        self.draw, self.pictures, self.known, self.dropout = draw, pictures, known, dropout
        self.drawn: Tensor | None = None

    def __call__(self, ws: Tensor, **options: Any) -> Tensor:
        self.drawn = self.draw(ws, self.pictures, self.known, self.dropout, **options)
        return torch.where(self.known > 0, self.pictures, self.drawn.to(self.pictures.dtype))

    def error(self) -> Tensor:
        """Mean absolute difference of what was drawn and the pictures, [n]."""
        assert self.drawn is not None
        return (self.drawn.float() - self.pictures).abs().mean((1, 2, 3))


def _with_l1(phase: Phase, weight: float) -> Phase:
    def loss(inputs: PhaseInputs) -> tuple[Tensor, Scalars]:
        total, scalars = phase.loss(inputs)
        assert isinstance(inputs.synthesis, _Completion)
        error = inputs.synthesis.error()
        return total + weight * error.mean(), {**scalars, "Loss/l1": error}

    return replace(phase, loss=loss)
