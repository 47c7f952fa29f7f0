"""Networks on disk: safetensors whose metadata holds the architecture as JSON."""

import importlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from insetgan.runtime import plugins
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import write_whole
from insetgan.runtime.fingerprint import FromFile
from insetgan.runtime.plugins import buildable

EMBEDDED = ("body", "face", "hands", "feet", "parts", "meadow", "blossom", "comodgan")
_KINDS = {
    "generator": ("insetgan.networks.generator", "Generator"),
    "comodgan": ("insetgan.completion.generator", "CoModGenerator"),
    "discriminator": ("insetgan.networks.discriminator", "Discriminator"),
    "parts": ("insetgan.detection.parts_net", "PartsNet"),
}


def resolve(name_or_path: str | Path, *, key: str = "weights") -> Path:
    """Find a weights file: the name of an embedded model, one of `EMBEDDED`, or a path.

    Args:
        name_or_path: what to find.
        key: what the setting is called, for messages.

    Raises:
        UserError: no such file; says where it was looked for.
    """
    if str(name_or_path) in EMBEDDED:
        path = Path(__file__).with_name(f"{name_or_path}.safetensors")
    else:
        path = Path(name_or_path).expanduser()
    if not path.is_file():
        raise UserError(
            f"{key}={name_or_path}: no file {path.absolute()}; give a .safetensors file "
            f"(python train.py writes them) or an embedded model ({', '.join(EMBEDDED)})"
        )
    return path


def save_network(path: str | Path, module: nn.Module, *, kind: str, half: bool = False, **metadata: Any) -> None:
    """Write a network whole or not at all.

    Args:
        path: where to; written beside and renamed.
        module: a network with an `architecture` dict, the keywords that build it again.
        kind: "generator", "comodgan", "discriminator" or "parts".
        half: store float32 tensors as float16 (half the size; networks come back in float32).
        metadata: anything JSON can hold, e.g. images seen; returned by `read_metadata`.
    """
    if kind not in _KINDS:
        raise ValueError(f"kind={kind}: must be one of {', '.join(_KINDS)}")
    state = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in module.state_dict().items()}
    if half:
        state = {name: tensor.half() if tensor.dtype == torch.float32 else tensor for name, tensor in state.items()}
    header = {"kind": kind, "architecture": json.dumps(module.architecture), "metadata": json.dumps(metadata)}
    name = f"{type(module).__module__}.{type(module).__qualname__}"
    if name != ".".join(_KINDS[kind]):  # of the user's own
        header["class"] = name
    write_whole(Path(path), save(state, metadata=header))


@buildable
def load_network(name_or_path: str | Path, *, kind: str | None = None, key: str = "weights") -> Any:
    """Build a network from its own description and fill it, every name and shape matching.

    Args:
        name_or_path: see `resolve`.
        kind: what is expected; None takes anything.
        key: what the setting is called, for messages.

    Returns:
        The network on the CPU in float32, evaluation mode, without gradients.

    Raises:
        UserError: missing, truncated or foreign file, or another kind of network.
    """
    header, state = _read(resolve(name_or_path, key=key), key)
    found = header.get("kind", "")
    if found not in _KINDS or (kind is not None and found != kind):
        wanted = kind or f"one of {', '.join(_KINDS)}"
        raise UserError(f"{key}={name_or_path}: holds {found or 'no network of this project'}, expected {wanted}")
    maker = _class_of(header, f"{key}={name_or_path}: class")
    try:
        module: nn.Module = maker(**json.loads(header["architecture"]))
        module.load_state_dict(
            {name: t.float() if t.dtype == torch.float16 else t for name, t in state.items()}, strict=True
        )
    except (RuntimeError, TypeError, KeyError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(
            f"{key}={name_or_path}: the tensors do not fit the architecture in the file: {reason}"
        ) from error
    if isinstance(module, FromFile):
        module.source = resolve(name_or_path, key=key)
    return module.eval().requires_grad_(False)


def _class_of(header: dict[str, str], key: str) -> Any:
    """The class that a file's network is of: this project's for its kind, or one of a package that the user admitted."""
    if "class" not in header:
        module, name = _KINDS[header["kind"]]
        return getattr(importlib.import_module(module), name)
    found = plugins.resolve(header["class"], key)
    if not isinstance(found, type) or not issubclass(found, nn.Module):
        raise UserError(f"{key}={header['class']}: must be a torch.nn.Module")
    return found


def read_metadata(name_or_path: str | Path) -> dict[str, Any]:
    """What `save_network` was told beside the weights, with `kind` and `architecture`."""
    header, _ = _read(resolve(name_or_path), "weights", tensors=False)
    known: dict[str, Any] = json.loads(header.get("metadata", "{}"))
    return {**known, "kind": header.get("kind"), "architecture": json.loads(header.get("architecture", "{}"))}


def _read(path: Path, key: str, *, tensors: bool = True) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()} if tensors else {}
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{key}={path}: not a readable safetensors file, perhaps cut short: {error}") from error
    return header, state
