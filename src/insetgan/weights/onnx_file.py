"""Generators as ONNX files, which draw without PyTorch: in other languages, in browsers, in ONNX Runtime."""

import importlib.util
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from insetgan.networks.layered import Layered
from insetgan.ops.images import seeded_latents
from insetgan.runtime.errors import UserError

Input = Literal["z", "w"]
"""What a network takes: z, psi and a label, or the vectors of all layers."""

TOLERANCE = 1e-4
"""How far ONNX Runtime's images may be from PyTorch's, for images in [-1, 1]; larger values in proportion."""
PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_CHECKED = {"z": 0.7, "w": 1.0}  # psi of the images that are compared
_SEEDS = [0, 1, 2]


class FromLatents(nn.Module):
    """A generator from z to images.

    Args:
        generator: a StyleGAN, of 2 or 3.
    """

    def __init__(self, generator: Any) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor, psi: Tensor, label: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Draw images, and give what draws them.

        Args:
            z: [n, z_dim].
            psi: [1], the truncation of all layers: 1 changes nothing, 0 gives the mean.
            label: [n, c_dim], of a conditional generator.

        Returns:
            Images [n, img_channels, height, width], and their ws [n, num_ws, w_dim].
        """
        mapping = self.generator.mapping
        ws = mapping(z) if label is None else mapping(z, label)
        ws = mapping.w_avg + psi * (ws - mapping.w_avg)
        return self.generator.draw(ws), ws


class FromVectors(nn.Module):
    """A generator from w to images.

    Args:
        generator: a StyleGAN, of 2 or 3.
    """

    def __init__(self, generator: Any) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, ws: Tensor) -> Tensor:
        """Draw ws [n, num_ws, w_dim]: images [n, img_channels, height, width]."""
        images: Tensor = self.generator.draw(ws)
        return images


def refuse_lacking(key: str) -> None:
    """Refuse an export for which packages are missing.

    Args:
        key: the setting with its value, for the message.

    Raises:
        UserError: naming them.
    """
    if lacking := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        raise UserError(f"{key}: needs the packages {', '.join(lacking)}: pip install 'insetgan[onnx]'")


def onnx_stream(network: Any, takes: Input, said: Mapping[str, Any]) -> tuple[bytes, float]:
    """Export a generator, and compare what ONNX Runtime draws of it with what PyTorch draws.

    PyTorch's exporter by tracing is not used: it writes StyleGAN2's synthesis wrongly and says nothing. The number of
    samples n stays free; precision is float32, the noise is the stored one.

    Args:
        network: on the CPU, in evaluation mode.
        takes: see `Input`.
        said: what else the file shall say of itself, such as its licence; as text or JSON.

    Returns:
        The file, and the largest difference of a value of three images.

    Raises:
        ValueError: the network cannot be exported, or ONNX Runtime's images differ by more than `TOLERANCE`; the text
            continues a sentence that begins with the network.
    """
    if not isinstance(network, Layered) or not isinstance(network, nn.Module):
        raise ValueError(f"is a {type(network).__name__}, and only StyleGANs of z and w are exported")
    inputs = _inputs(network, takes, _SEEDS[:2])
    try:
        model = _exported(network, takes, inputs)
    except Exception as error:  # torch's exporter raises whatever its many passes do
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"has something that ONNX cannot hold: {reason}") from error
    _describe(model, network, takes, said)
    content: bytes = model.SerializeToString()
    difference, largest = 0.0, 1.0
    for seeds in (_SEEDS, _SEEDS[:1]):  # other numbers of samples than the two that it was exported with
        expected, found = compared(network, takes, content, seeds)
        difference = float(np.maximum(difference, np.abs(found - expected).max()))  # keeps what is no number
        largest = max(largest, float(np.abs(expected).max()))
    if not difference <= TOLERANCE * largest:
        raise ValueError(f"draws other images in ONNX Runtime, by up to {difference:.2g}: nothing was written")
    return content, difference


def compared(network: Any, takes: Input, content: bytes, seeds: list[int]) -> tuple[Any, Any]:
    """The images of seeds by PyTorch and by ONNX Runtime, two arrays [n, c, h, w]; seed i has the class i modulo c_dim."""
    import onnxruntime

    inputs = _inputs(network, takes, seeds)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = session.run(["image"], {name: value.numpy() for name, value in inputs.items()})[0]
    with torch.no_grad():
        drawn = _module(network, takes)(*inputs.values())
    return (drawn if takes == "w" else drawn[0]).numpy(), found


def _module(network: Any, takes: Input) -> nn.Module:
    return FromLatents(network) if takes == "z" else FromVectors(network)


def _inputs(network: Any, takes: Input, seeds: list[int]) -> dict[str, Tensor]:
    """The inputs by name."""
    z = seeded_latents(seeds, network.z_dim)
    labels = getattr(network, "c_dim", 0)
    label = {"label": torch.eye(labels)[[seed % labels for seed in seeds]]} if labels else {}
    psi = torch.tensor([_CHECKED[takes]])
    if takes == "z":
        return {"z": z, "psi": psi, **label}
    with torch.no_grad():
        return {"ws": network.mapping(z, *label.values()).contiguous()}


def _exported(network: Any, takes: Input, inputs: Mapping[str, Tensor]) -> Any:
    samples = torch.export.Dim("n", min=1)
    shapes = tuple(None if name == "psi" else {0: samples} for name in inputs)
    with _quiet(), torch.no_grad():
        program = torch.export.export(
            _module(network, takes), tuple(inputs.values()), dynamic_shapes=shapes, strict=False
        )
        outputs = ["image", "ws"] if takes == "z" else ["image"]
        found = torch.onnx.export(
            program, dynamo=True, input_names=list(inputs), output_names=outputs, verbose=False, external_data=False
        )
        assert found is not None
        return found.model_proto


def _describe(model: Any, network: Any, takes: Input, said: Mapping[str, Any]) -> None:
    """Write into a model what a program must know to use it; texts, and JSON for what is none."""
    facts = {
        "takes": takes,
        **{name: getattr(network, name, 0) for name in ("height", "width", "z_dim", "w_dim", "num_ws", "c_dim")},
        "values": "float32, images nominally in [-1, 1]; a pixel is round((value + 1) * 127.5)",
        "seeds": "z = numpy.random.RandomState(seed).randn(1, z_dim)",
        **said,
    }
    model.producer_name = "insetgan"
    for name, value in facts.items():
        model.metadata_props.add(key=name, value=value if isinstance(value, str) else json.dumps(value))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what exporters tell of themselves from the terminal; what they raise comes through."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
