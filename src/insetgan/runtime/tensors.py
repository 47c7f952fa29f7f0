"""Tensors and arrays from files that may hold anything: sizes come first, and nothing is executed."""

import hashlib
import io
import pickle
import pickletools
import re
import tokenize
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from insetgan.runtime import limits
from insetgan.runtime.reading import size_text
from insetgan.runtime.zips import check_members, check_size, open_member, shown

_HARMLESS = re.compile(
    r"collections (OrderedDict|Counter)|torch\._utils _rebuild_(tensor_v2|tensor_v3|parameter|parameter_with_state)|"
    r"torch (\w+Storage|Size|device|b?float\d+|double|half|u?int\d+|long|short|bool|complex\d+)|"
    r"torch\.storage (Untyped|Typed)Storage|torch\.nn\.parameter Parameter|_codecs encode|torch\.serialization _get_layout"
)
"""What a checkpoint may name: containers, storages, types. Others take memory as they are told, such as bytearray."""
_PIECE = 1 << 20
_LEGACY_PICKLES = 5  # before the tensors in files of before torch 1.6


@contextmanager
def open_tensors(path: str | Path, framework: Literal["pt", "numpy"] = "pt") -> Iterator[Any]:
    """`safetensors.safe_open` on the CPU, of a file whose header is no larger than it may be.

    The library maps the file and holds each tensor against the length of the file, so none takes more memory than the file
    has bytes.

    Raises:
        SafetensorError: not a whole safetensors file, or its header is beyond `limits.WEIGHTS_HEADER`.
        OSError: it cannot be read.
    """
    if Path(path).exists() and not Path(path).is_file():
        raise SafetensorError("is no file")
    with open(path, "rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
    if length > limits.WEIGHTS_HEADER:
        raise SafetensorError(f"its header claims {length} bytes, at most {limits.WEIGHTS_HEADER} are read")
    with safe_open(path, framework=framework, device="cpu") as file:
        yield file


def tensors_digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of the names, types, shapes and values of tensors, whatever their order."""
    found = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return found.hexdigest()


def read_arrays(path: Path, keys: Sequence[str]) -> list[np.ndarray]:
    """Arrays of an .npz file, each held against its own header before it is read; nothing is unpickled.

    Raises:
        ValueError: an array is missing, too large, of objects, or not as long as its header says.
        zipfile.BadZipFile: no .npz file.
        OSError: it cannot be read.
    """
    arrays = []
    with zipfile.ZipFile(path) as archive:
        names = set(check_members(archive))
        for key in keys:
            member = f"{key}.npy" if f"{key}.npy" in names else key
            if member not in names:
                raise ValueError(f"holds no {key}")
            info = archive.getinfo(member)
            with open_member(archive, member, limits.ARRAY_VALUES * 8) as stream:
                arrays.append(_array(stream, key, info.file_size))
    return arrays


def _array(stream: IO[bytes], key: str, size: int) -> np.ndarray:
    version = np.lib.format.read_magic(stream)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"{key} is of a version of .npy that is not read")
    try:
        shape, fortran, dtype = read(stream)
    except (ValueError, SyntaxError, tokenize.TokenError) as error:  # numpy reads the header as Python's literals
        raise ValueError(f"the header of {key} is damaged") from error
    if dtype.hasobject or dtype.kind not in "fiub":
        raise ValueError(f"{key} holds {dtype}, must hold numbers")
    count = prod(shape)
    if min(shape, default=0) < 0 or count > limits.ARRAY_VALUES or count * dtype.itemsize + stream.tell() != size:
        raise ValueError(f"{key} claims {list(shape)} values of {dtype} and is not as long")
    values = np.empty(count, dtype)  # the system gives memory only as it is filled
    place = memoryview(values.data).cast("B") if count else memoryview(b"")
    while place:
        piece = stream.read(min(len(place), _PIECE))
        if not piece:
            raise ValueError(f"{key} ends early")
        place[: len(piece)] = piece
        place = place[len(piece) :]
    return values.reshape(shape, order="F" if fortran else "C")


def read_checkpoint_file(source: Path | bytes, *, mapped: bool = False) -> Any:
    """`torch.load` of tensors and plain values, on the CPU, of a file that takes no more memory than it has bytes.

    Args:
        source: path of the file, or its bytes.
        mapped: leave the tensors in the file until they are looked at; of a path alone.

    Raises:
        ValueError: it is packed, or names what takes memory as it is told.
        Exception: nearly anything else that torch.load trips over.
    """
    if isinstance(source, bytes):
        _refuse_checkpoint(io.BytesIO(source))
        return torch.load(io.BytesIO(source), map_location="cpu", weights_only=True)
    if not source.is_file():
        raise ValueError("is no file")
    with source.open("rb") as stream:
        _refuse_checkpoint(stream)
    return torch.load(source, map_location="cpu", weights_only=True, mmap=mapped)


def _refuse_checkpoint(stream: IO[bytes]) -> None:
    if not zipfile.is_zipfile(stream):
        stream.seek(0)
        for _ in range(_LEGACY_PICKLES):
            _refuse_globals(stream)
        return
    with zipfile.ZipFile(stream) as archive:
        for name in check_members(archive):
            if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"the member {shown(name)} is packed, which torch.save does not do")
            if name.endswith(".pkl"):
                check_size(archive.getinfo(name), limits.PICKLE_BYTES)
                with archive.open(name) as member:
                    _refuse_globals(member)


def _refuse_globals(stream: IO[bytes]) -> None:
    """Refuse a pickle that names anything beside containers, storages and types."""
    start = stream.tell()
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name in ("INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4") or (
                opcode.name == "GLOBAL" and not _HARMLESS.fullmatch(str(argument))
            ):
                raise pickle.UnpicklingError(f"names {str(argument)[:100]}, which no weights need")
            if stream.tell() - start > limits.PICKLE_BYTES:
                raise ValueError(f"its description takes more than {size_text(limits.PICKLE_BYTES)}")
    except pickle.UnpicklingError as error:
        raise ValueError(str(error)) from error


def copy_into(own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Overwrite a tensor by one of the same shape; gives the first.

    Raises:
        ValueError: the shapes differ.
    """
    if own.shape != other.shape:
        raise ValueError(f"a tensor of shape {tuple(other.shape)} where {tuple(own.shape)} belongs")
    return own.copy_(other)
