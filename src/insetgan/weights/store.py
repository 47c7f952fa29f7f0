"""Networks on disk: safetensors whose metadata holds the architecture as JSON, and the forms in which others publish them."""

import importlib
import inspect
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save
from torch import nn

from insetgan.runtime import limits, plugins
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import write_whole
from insetgan.runtime.fingerprint import FromFile
from insetgan.runtime.paths import read_path
from insetgan.runtime.plugins import buildable
from insetgan.runtime.printing import say_error
from insetgan.runtime.reading import parse_json
from insetgan.runtime.tensors import open_tensors
from insetgan.runtime.zips import shown
from insetgan.weights.address import is_address, locate
from insetgan.weights.plan import planned
from insetgan.weights.published.network import PublishedNetwork
from insetgan.weights.published.reader import is_published, read_published

EMBEDDED = (
    "body", "face", "hands", "feet", "parts", "meadow", "blossom", "comodgan", "encoder_face", "encoder_body", "composer_face",
)  # fmt: skip
_MOST_VALUES = 10_000  # in what a file says of itself
_FLOATS = ("F32", "F16")  # what `save_network` writes; no value changes on the way to float32
_TYPES = {torch.int64: ("I64",), torch.int32: ("I32",), torch.uint8: ("U8",), torch.bool: ("BOOL",)}
_KINDS = {
    "generator": ("insetgan.networks.generator", "Generator"),
    "comodgan": ("insetgan.completion.generator", "CoModGenerator"),
    "discriminator": ("insetgan.networks.discriminator", "Discriminator"),
    "parts": ("insetgan.detection.parts_net", "PartsNet"),
    "encoder": ("insetgan.inversion.encoder", "Encoder"),
    "composer": ("insetgan.refine.composer", "Composer"),
}


def resolve(name_or_path: str | Path, *, key: str = "weights") -> Path:
    """Find a weights file: the name of an embedded model, one of `EMBEDDED`, a path, or an address (see `weights.address`).

    Args:
        name_or_path: what to find.
        key: what the setting is called, for messages.

    Raises:
        UserError: no such file; says where it was looked for. An address that cannot be fetched.
    """
    if str(name_or_path) in EMBEDDED:
        path = Path(__file__).with_name(f"{name_or_path}.safetensors")
    elif is_address(str(name_or_path)):
        return locate(str(name_or_path), key=key)
    else:
        path = read_path(name_or_path, key=key)
    try:
        there = path.is_file()
    except OSError as error:  # such as a name that is too long
        raise UserError(f"{key}={shown(str(name_or_path))}: cannot be read ({error.strerror or error})") from error
    if not there:
        raise UserError(
            f"{key}={name_or_path}: no file {path.absolute()}; give a .safetensors file "
            f"(python train.py writes them), a published .pkl or .pt, or an embedded model ({', '.join(EMBEDDED)})"
        )
    return path


def save_network(path: str | Path, module: nn.Module, *, kind: str, half: bool = False, **metadata: Any) -> None:
    """Write a network whole or not at all.

    Args:
        path: where to; written beside and renamed.
        module: a network with an `architecture` dict, the keywords that build it again.
        kind: "generator", "comodgan", "discriminator", "parts", "encoder" or "composer".
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

    The description is compared with the header of the file before anything takes memory: a network is built for it without
    memory first (torch's "meta" device), and its names and shapes must be those of the file. Files that others have published
    (NVIDIA's and TensorFlow's pickles, rosinality's .pt; docs/weights.md) are read without executing anything of them; of
    their networks the average generator is taken, or the discriminator where `kind` says so.

    Args:
        name_or_path: see `resolve`.
        kind: what is expected; None takes anything.
        key: what the setting is called, for messages.

    Returns:
        The network on the CPU in float32, evaluation mode, without gradients. float16 becomes float32, which changes
        no value; other types than these two are refused.

    Raises:
        UserError: missing, truncated or foreign file, another kind of network, numbers of another type, or a description
            beyond `limits.ARCHITECTURE`.
    """
    path = resolve(name_or_path, key=key)
    with _opened(path, key, kind) as file:
        header = file.metadata() or {}
        found = header.get("kind", "")
        if found not in _KINDS or (kind is not None and found != kind):
            wanted = kind or f"one of {', '.join(_KINDS)}"
            held = shown(found) or "no network of this project"
            raise UserError(f"{key}={name_or_path}: holds {held}, expected {wanted}")
        maker = _class_of(header, f"{key}={name_or_path}: class")
        try:
            architecture = _architecture(header)
            _refuse_unknown(maker, architecture)
            with planned():
                plan = maker(**architecture)
            _refuse_dropped(plan, architecture)
            _refuse_misfits(plan.state_dict(), file)
            module = maker(**architecture)
            state = {name: file.get_tensor(name) for name in file.keys()}
            module.load_state_dict({name: _plain(tensor) for name, tensor in state.items()}, strict=True)
        except (RuntimeError, TypeError, KeyError, ValueError, AttributeError, OverflowError, ArithmeticError) as error:
            reason = " ".join(str(error).split())[:300]
            fault = (
                "" if isinstance(file, PublishedNetwork) else "the tensors do not fit the architecture in the file: "
            )
            raise UserError(f"{key}={name_or_path}: {fault}{reason}") from error
    for note in file.notes if isinstance(file, PublishedNetwork) else ():
        say_error(f"{key}={name_or_path}: {note}")
    if isinstance(module, FromFile):
        module.source = path
    return module.eval().requires_grad_(False)


def _class_of(header: Mapping[str, str], key: str) -> Any:
    """The class that a file's network is of: this project's for its kind, or one of a package that the user admitted."""
    if "class" not in header:
        module, name = _KINDS[header["kind"]]
        return getattr(importlib.import_module(module), name)
    found = plugins.resolve(header["class"], key)
    if not isinstance(found, type) or not issubclass(found, nn.Module):
        raise UserError(f"{key}={header['class']}: must be a torch.nn.Module")
    return found


def read_metadata(name_or_path: str | Path, *, kind: str | None = None, key: str = "weights") -> dict[str, Any]:
    """What `save_network` was told beside the weights, with `kind` and `architecture`.

    Of a file that others have published: `form`, `network` (its name there), `training` and `arguments`, as they say them.

    Args:
        name_or_path: see `resolve`.
        kind: which network of a published file; None takes the average generator, or the first that there is.
        key: what the setting is called, for messages.

    Raises:
        UserError: no such file, not whole, or what it says of itself is no JSON or beyond `limits.ARCHITECTURE`.
    """
    with _opened(resolve(name_or_path, key=key), key, kind) as file:
        header = file.metadata() or {}
    try:
        known = parse_json(header.get("metadata", "{}"), most=_MOST_VALUES)
        if not isinstance(known, dict):
            raise ValueError("its metadata is no table")
        if stated := next((header[name] for name in ("licence", "license") if header.get(name)), None):
            known.setdefault("licence", shown(stated))  # where other programs write it
        return {**known, "kind": header.get("kind"), "architecture": _architecture(header)}
    except ValueError as error:
        raise UserError(f"{key}={name_or_path}: {error}") from error


@contextmanager
def _opened(path: Path, key: str, kind: str | None = None) -> Iterator[Any]:
    if (published := _published(path, key, kind)) is not None:
        yield published
        return
    try:
        with open_tensors(path) as file:
            yield file
    except UserError:
        raise
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{key}={path}: not a readable safetensors file, perhaps cut short: {reason}") from error


def _published(path: Path, key: str, kind: str | None) -> PublishedNetwork | None:
    """The network that is wanted of a published file; None for a file of ours."""
    try:
        if not is_published(path):
            return None
        return read_published(path).choose(kind if kind in ("generator", "discriminator") else None)[1]
    except ValueError as error:
        raise UserError(f"{key}={path}: {' '.join(str(error).split())[:300]}") from error
    except (TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise UserError(f"{key}={path}: is damaged, or no weights that are known") from error
    except OSError as error:
        raise UserError(f"{key}={path}: cannot be read ({error.strerror or error})") from error


def _architecture(header: Mapping[str, str]) -> dict[str, Any]:
    """The keywords that build the network, none beyond its bound.

    Raises:
        ValueError: no table, or a value beyond its bound.
    """
    found = parse_json(header.get("architecture", "{}"), most=_MOST_VALUES)
    if not isinstance(found, dict):
        raise ValueError("its architecture is no table")
    for name, value in found.items():
        most = limits.ARCHITECTURE.get(name, limits.ARCHITECTURE_OTHERS)
        for number in _numbers(value):
            if not abs(number) <= most:  # nan, too
                raise ValueError(f"{shown(name)}={number}: at most {most} is built")
    return found


def _refuse_unknown(maker: Any, architecture: Mapping[str, Any]) -> None:
    """Refuse a keyword that the class does not take, such as one of a later version.

    Raises:
        ValueError: naming it.
    """
    for name in () if _takes_any(maker) else architecture:
        if name not in inspect.signature(maker).parameters:
            raise ValueError(f"{shown(name)}: {maker.__name__} has no such argument")


def _takes_any(maker: Any) -> bool:
    """Whether a class takes any keyword."""
    return any(each.kind is inspect.Parameter.VAR_KEYWORD for each in inspect.signature(maker).parameters.values())


def _refuse_dropped(module: Any, architecture: Mapping[str, Any]) -> None:
    """Refuse a keyword of which a network's own description knows nothing: a class with `**kwargs` may drop it.

    Raises:
        ValueError: naming it.
    """
    described = getattr(module, "architecture", architecture)
    for name in architecture if _takes_any(type(module)) else ():
        if name not in described:
            raise ValueError(f"{shown(name)}: {type(module).__name__} takes no notice of it")


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _numbers(each)
    elif isinstance(value, (int, float)):
        yield value


def _refuse_misfits(wanted: Mapping[str, torch.Tensor], file: Any) -> None:
    """Compare names, shapes and types with the header of a file.

    Raises:
        ValueError: naming the first tensor that does not fit.
    """
    held = set(file.keys())
    if lacking := [name for name in wanted if name not in held]:
        raise ValueError(f"{len(lacking)} tensors are missing, the first {lacking[0]}")
    if strange := sorted(held - set(wanted)):
        raise ValueError(f"{len(strange)} tensors have no place, the first {shown(strange[0])}")
    for name, tensor in wanted.items():
        piece = file.get_slice(name)
        if list(tensor.shape) != list(piece.get_shape()):
            raise ValueError(f"{name} is {list(piece.get_shape())}, must be {list(tensor.shape)}")
        allowed = _FLOATS if tensor.is_floating_point() else _TYPES.get(tensor.dtype, ())
        if piece.get_dtype() not in allowed:
            raise ValueError(f"{name} holds {piece.get_dtype()}, must hold {' or '.join(allowed)}")


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
