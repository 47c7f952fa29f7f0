"""A generator's file alone."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import nn

from insetgan.evaluation.images import Images, as_bytes
from insetgan.evaluation.method import Method
from insetgan.networks.labelled import with_label
from insetgan.networks.synthesiser import device_of
from insetgan.ops.images import seeded_latents
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.paths import UserWeights
from insetgan.runtime.settings import settings
from insetgan.weights.store import load_network, read_metadata, resolve


@settings(kw_only=True)
class Generator(Method):
    """Any generator, a training's result for example: no insets, no refinement, and where all methods are such its size."""

    weights: Annotated[
        UserWeights | None, Field(description="of the generator, a .safetensors file or embedded; must be given")
    ] = None
    label: Annotated[
        Any, Field(description="of a conditional generator: a class 0, 1, ..., or the values of a label")
    ] = None

    has_path_length = True

    @classmethod
    def own_size(cls, node: Mapping[str, Any], key: str) -> tuple[int, int]:
        """Height and width of the images of the file.

        Raises:
            UserError: no file is named, or it holds no generator.
        """
        path = _path(node.get("weights"), f"{key}.weights")
        about = read_metadata(path)
        if about["kind"] != "generator":
            raise UserError(f"{key}.weights={node.get('weights')}: holds no generator")
        if not {"height", "width"} <= set(about["architecture"]):
            raise UserError(
                f"{key}.weights={node.get('weights')}: its architecture names no height and width of the images"
            )
        return int(about["architecture"]["height"]), int(about["architecture"]["width"])

    @cached_property
    def _loaded(self) -> dict[str, Any]:
        return {}

    @property
    def _key(self) -> str:
        return f"method.{self.setup.name}"

    @property
    def network(self) -> Any:
        """The generator; loaded when it is first asked for, and after `release`.

        Raises:
            UserError: there is no such file, its images have another size, or its label is missing or does not fit.
        """
        if not self._loaded:
            path = _path(self.weights, f"{self._key}.weights")
            network = load_network(path, kind="generator", key=f"{self._key}.weights")
            found = (network.height, network.width)
            if found != tuple(self.setup.size):
                height, width = self.setup.size
                raise UserError(
                    f"{self._key}.weights={self.weights}: draws {found[0]} x {found[1]}, the images here are {height} x {width}"
                )
            self._loaded["network"] = with_label(network, self.label, key=f"{self._key}.label")
        return self._loaded["network"]

    def check(self) -> None:
        """Load the generator, and forget it again."""
        _ = self.network
        self.release()

    def fingerprint(self) -> str:
        """What decides the images: the file, the label, and psi."""
        path = _path(self.weights, f"{self._key}.weights")
        return fingerprint(["generator", str(self.label), self.setup.trunc, self.setup.precision], files=[path])

    @torch.no_grad()
    def images(self, block: Sequence[int]) -> Images:
        """Draw the images of the seeds."""
        network = self.network
        z = seeded_latents(block, network.z_dim).to(device_of(network))
        psi = torch.full((len(z), network.layers), self.setup.trunc, dtype=torch.float64, device=z.device)
        return Images(as_bytes(network.render(network.sample(z, psi)), block))

    def generator_files(self) -> Sequence[Path]:
        """The file."""
        return [_path(self.weights, f"{self._key}.weights")]

    @property
    def networks(self) -> Sequence[nn.Module]:
        """The generator."""
        return [self.network]

    @property
    def path_generator(self) -> nn.Module:
        """The generator."""
        network: nn.Module = self.network
        return network

    def release(self) -> None:
        """Forget the generator."""
        self._loaded.clear()


def _path(weights: str | None, key: str) -> Path:
    if not weights:
        raise UserError(f"{key}: must be given, as in {key}=PATH")
    return resolve(weights, key=key)
