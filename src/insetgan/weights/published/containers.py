"""The files in which published networks lie: a plain pickle, and PyTorch's two containers, the zip and the one before it."""

import mmap
import re
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from insetgan.runtime import limits
from insetgan.runtime.reading import size_text, take
from insetgan.runtime.zips import check_members, open_member, read_member
from insetgan.weights.published.cursor import Budget
from insetgan.weights.published.machine import Machine
from insetgan.weights.published.records import Name, Storage, size_of

_MAGIC = 0x1950A86A20F9469CFC6C
"""The first thing in PyTorch's container of before 1.6, and the number of its only version."""
_VERSION = 1001
_ZIP = b"PK\x03\x04"
_STORAGES = {
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "DoubleStorage": "F64",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}
_ERRORS = (
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    OverflowError,
    EOFError,
    RecursionError,
    NotImplementedError,
    zipfile.BadZipFile,
)
"""What damaged bytes raise on their way; `pickletools` alone raises four of them."""


def read_records(path: Path) -> tuple[Any, Budget]:
    """What a file holds, as records; its arrays stay in it until they are read.

    Args:
        path: of the file, which may hold anything.

    Returns:
        Its contents, and what reading them took, with the foreign names in it.

    Raises:
        ValueError: it is damaged, beyond a bound, or no pickle, in words that follow the file's name.
        OSError: it cannot be read.
    """
    if not path.is_file():
        raise ValueError("is no file")
    size = path.stat().st_size
    if size > limits.WEIGHTS_BYTES:
        raise ValueError(f"holds {size_text(size)}, at most {size_text(limits.WEIGHTS_BYTES)} are read")
    if not size:
        raise ValueError("is empty")
    budget = Budget()
    with path.open("rb") as stream:
        data = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    start = bytes(data[:256])
    if re.match(rb"\s*<", start):
        raise ValueError("holds a web page and no weights; download the file itself")
    try:
        if start.startswith(_ZIP):
            return _read_zip(path, budget), budget
        machine = Machine(data, budget, unpack=partial(_unpacked, budget=budget))
        root = machine.run()
        if root == _MAGIC:
            root, end = read_legacy(data, budget)
        else:
            end = machine.position
        if end != size:
            raise ValueError(f"goes on for {size - end} bytes after its end")
        return root, budget
    except _ERRORS as error:
        reason = str(error) if type(error) is ValueError else "is damaged, or no pickle"
        raise ValueError(reason) from error


def _unpacked(data: memoryview, *, budget: Budget) -> Any:
    return read_legacy(data, budget)[0]


def read_legacy(data: memoryview, budget: Budget) -> tuple[Any, int]:
    """Read PyTorch's container of before 1.6: five pickles, then the numbers of each storage.

    Returns:
        What it holds, and where it ends.

    Raises:
        ValueError: it is damaged.
    """
    storages: dict[str, Storage] = {}
    position, found = 0, []
    for persistent in (None, None, None, partial(_storage, storages=storages, check=None), None):
        machine = Machine(data, budget, start=position, persistent=persistent)
        found.append(machine.run())
        position = machine.position
    magic, version, system, root, keys = found
    if (
        magic != _MAGIC
        or version != _VERSION
        or not isinstance(system, dict)
        or system.get("little_endian") is not True
    ):
        raise ValueError("holds a storage of another form than PyTorch's")
    if not isinstance(keys, list) or len(set(map(str, keys))) != len(keys) or set(map(str, keys)) != set(storages):
        raise ValueError("lists other storages than it uses")
    for key in keys:
        storage = storages[str(key)]
        length = storage.count * size_of(storage.dtype)
        if position + 8 + length > len(data):
            raise ValueError("ends early, perhaps cut short")
        if int.from_bytes(data[position : position + 8], "little") != storage.count:
            raise ValueError("holds a storage of another length than it says")
        storage.read = partial(_slice, data, position + 8, length)
        position += 8 + length
    return root, position


def _slice(data: memoryview, start: int, length: int) -> memoryview:
    return data[start : start + length]


def _storage(identity: Any, *, storages: dict[str, Storage], check: Callable[[str, Storage], None] | None) -> Storage:
    """What a persistent id of PyTorch stands for: ("storage", type, key, device, number of values[, view])."""
    parts = identity if isinstance(identity, tuple) and len(identity) in (5, 6) else (None,) * 5
    word, kind, key, _, count, *view = parts
    if word != "storage" or not isinstance(kind, Name) or not isinstance(key, str) or type(count) is not int:
        raise ValueError("refers to something else than a storage")
    dtype = _STORAGES.get(kind.name) if kind.module == "torch" else None
    if dtype is None or count < 0 or any(each is not None for each in view):
        raise ValueError("holds a storage of another form than PyTorch's")
    known = storages.get(key)
    if known is None:
        known = storages[key] = Storage(dtype, count)
        if check is not None:
            check(key, known)
    elif (known.dtype, known.count) != (dtype, count):
        raise ValueError("holds a storage of two lengths")
    return known


def _read_zip(path: Path, budget: Budget) -> Any:
    archive = zipfile.ZipFile(path)
    names = check_members(archive)
    for name in names:
        if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
            raise ValueError("is a packed zip, which torch.save does not write")
    prefix = next((name.removesuffix("data.pkl") for name in names if name.endswith("/data.pkl")), None)
    if prefix is None:
        raise ValueError("is a zip without data.pkl, so no weights of PyTorch")
    if f"{prefix}constants.pkl" in names or f"{prefix}code/" in {name[: len(prefix) + 5] for name in names}:
        raise ValueError("is a TorchScript program and not weights")
    if f"{prefix}byteorder" in names and read_member(archive, f"{prefix}byteorder", 16) != b"little":
        raise ValueError("holds numbers in the byte order of other machines")

    def check(key: str, storage: Storage) -> None:
        member, length = f"{prefix}data/{key}", storage.count * size_of(storage.dtype)
        if member not in names or archive.getinfo(member).file_size != length:
            raise ValueError("holds a storage of another length than it says")
        storage.read = partial(_member, archive, member, length)

    data = memoryview(read_member(archive, f"{prefix}data.pkl", limits.PICKLE_BYTES))
    return Machine(data, budget, persistent=partial(_storage, storages={}, check=check)).run()


def _member(archive: zipfile.ZipFile, name: str, length: int) -> bytes:
    try:
        with open_member(archive, name, length) as stream:
            return take(stream, length)
    except (zipfile.BadZipFile, EOFError) as error:
        raise ValueError("is damaged") from error
