"""From images to latents: what an encoder says, and what optimisation makes of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from insetgan.inversion.encoder import Encoder
from insetgan.inversion.projector import Projector, draw_moving, mean_start
from insetgan.networks.digest import network_digest
from insetgan.networks.perceptual import Perceptual
from insetgan.networks.synthesiser import Synthesiser
from insetgan.refine.latents import Latents
from insetgan.runtime.errors import UserError
from insetgan.weights.store import EMBEDDED, load_network, read_metadata

STEPS = {"encoder": 30, "mean": 500}
"""Updates of a projection, by where it starts."""


@dataclass(frozen=True)
class Reconstruction:
    """One way in which images were found again.

    Attributes:
        method: such as "encoder" or "encoder + 30 steps".
        latents: of n samples.
        images: what they draw, [n, 3, height, width].
        seconds: that the batch took, everything before it included.
    """

    method: str
    latents: Latents
    images: Tensor
    seconds: float


@dataclass(frozen=True)
class Inverter:
    """Finds the latents of images.

    Attributes:
        generator: with frozen weights.
        projector: optimises; 0 steps leave that out.
        encoder: where optimisation starts; None starts from w_avg.
        passes: of the encoder; None makes as many as it was made for.
        perceptual: of the projector; None where it has no weight.
    """

    generator: Synthesiser
    projector: Projector
    encoder: Encoder | None = None
    passes: int | None = None
    perceptual: Perceptual | None = None

    def invert(self, images: Tensor, on_step: Callable[[int, int], None] | None = None) -> list[Reconstruction]:
        """Find the latents of images [n, 3, height, width] in [-1, 1]; the last of what is returned is the best."""
        found, began = [], time.perf_counter()
        if self.encoder is None:
            start = mean_start(self.generator, len(images))
        else:
            start = self.encoder.encode(self.generator, images, self.passes)
            seconds = time.perf_counter() - began
            found.append(Reconstruction("encoder", start, self._drawn(start), seconds))
            began = time.perf_counter() - seconds
        if self.projector.steps or not found:
            made = self.projector.project(self.generator, images, start, perceptual=self.perceptual, on_step=on_step)
            method = f"{'mean' if self.encoder is None else 'encoder'} + {self.projector.steps} steps"
            found.append(Reconstruction(method, made.latents, made.images, time.perf_counter() - began))
        return found

    @torch.no_grad()
    def _drawn(self, latents: Latents) -> Tensor:
        return draw_moving(latents)


def embedded_encoders() -> list[str]:
    """Names of the encoders that come with the package."""
    return [name for name in EMBEDDED if name.startswith("encoder_")]


def find_encoder(generator: Synthesiser, name_or_path: str | None, *, key: str = "encoder") -> Encoder | None:
    """The encoder of a generator.

    Args:
        generator: whose latents are wanted.
        name_or_path: of an encoder; None looks among the embedded ones for one that knows these weights.
        key: what the setting is called, for messages.

    Returns:
        None if none is given and none knows the weights.

    Raises:
        UserError: the encoder that is given is for other weights.
    """
    if name_or_path is not None:
        given: Encoder = load_network(name_or_path, kind="encoder", key=key)
        given.refuse_others(generator, key=key)
        return given
    if not hasattr(generator, "state_dict"):
        return None
    digest = network_digest(generator)
    for name in embedded_encoders():
        if read_metadata(name)["architecture"].get("generator") == digest:
            found: Encoder = load_network(name, kind="encoder")
            return found
    return None


def no_encoder(key: str, weights: object) -> UserError:
    """The error where start=encoder has none."""
    return UserError(
        f"{key}=encoder: no embedded encoder knows weights={weights}; train one (python train.py +model=encoder "
        f"generator={weights}) and give encoder=FILE, or {key}=mean"
    )
