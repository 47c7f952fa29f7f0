"""What `convert.py info=true` says of a network: rows for the terminal and for its page on the Hub, and eight seeds."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from insetgan.networks.labelled import with_label
from insetgan.networks.layered import Layered
from insetgan.networks.synthesiser import Synthesiser
from insetgan.ops.images import make_grid, seeded_latents, to_uint8
from insetgan.runtime.reading import size_text
from insetgan.weights.licence import Licence

SEEDS = range(8)
_COLUMNS = 4
_LONGEST = 100
_SHOWN = ("kind", "architecture", "form", "network", "licence")


def facts(path: Path, network: nn.Module, known: dict[str, Any], digest: str, licence: Licence) -> dict[str, str]:
    """What a network is: name and value of each row.

    Args:
        path: of its file.
        network: that was read.
        known: what the file says of itself, as `read_metadata` returns it.
        digest: SHA-256 of the file.
        licence: of the weights.
    """
    rows = {
        "file": f"{path.name}, {size_text(path.stat().st_size)}",
        "sha256": digest,
        "form": str(known.get("form", "this project's safetensors")),
        "licence": str(licence),
        "network": f"{known.get('network', '')} {known['kind']}".strip(),
        "parameters": f"{sum(each.numel() for each in network.parameters()):,}".replace(",", " "),
    }
    rows |= {name: str(value) for name, value in known["architecture"].items()}
    if isinstance(network, Layered):
        mean = network.mapping.w_avg
        rows["w_avg"] = f"length {float(mean.norm()):.3f}, from {float(mean.min()):.3f} to {float(mean.max()):.3f}"
    return rows


def said_of_training(known: dict[str, Any]) -> dict[str, Any]:
    """What a file says beside its architecture: arguments of its training and of its class, images seen, its origin."""
    return {key: value for key, value in known.items() if key not in _SHOWN and value not in ({}, None, "")}


def lines(values: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested plain values as rows."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= lines(value, f"{prefix}{name}.")
        elif text := str(value):
            found[f"{prefix}{name}"] = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return found


def is_drawn(network: nn.Module, kind: str) -> bool:
    """Whether a network of a kind draws images that can be shown."""
    return kind == "generator" and getattr(network, "img_channels", 3) in (1, 3)


def eight_seeds(network: Any, trunc: float) -> Tensor:
    """The seeds 0 to 7 in two rows, uint8 [h, w, 3]; of a conditional generator seed i is of class i modulo its number."""
    images = torch.cat([_image(network, seed, trunc) for seed in SEEDS])
    return to_uint8(make_grid(images, _COLUMNS))[0].expand(-1, -1, 3)


@torch.inference_mode()
def _image(network: Any, seed: int, trunc: float) -> Tensor:
    """One image, since eight of 1024 x 1024 at once take memory: [1, c, h, w]."""
    labels = getattr(network, "c_dim", 0)
    drawer: Synthesiser = with_label(network, seed % labels if labels else None, key="label")
    psi = torch.full((1, drawer.layers), trunc, dtype=torch.float64)
    return drawer.render(drawer.sample(seeded_latents([seed], drawer.z_dim), psi))
