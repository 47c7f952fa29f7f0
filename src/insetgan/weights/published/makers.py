"""The calls that a weights file may describe and that a record stands for; each is checked and none is made."""

import re
from collections.abc import Callable
from typing import Any, Protocol

from insetgan.weights.published.records import Made, Name, Numbers, stored_numbers

_KNOWN = re.compile(
    r"collections\.(OrderedDict|defaultdict)|builtins\.(dict|set|frozenset|list|tuple|bytes|bytearray|object|slice|complex)|"
    r"_codecs\.encode|copyreg\._reconstructor|argparse\.Namespace|types\.SimpleNamespace|"
    r"(pathlib|pathlib\._local)\.(PosixPath|WindowsPath|PurePosixPath)|"
    r"numpy\.(dtype|ndarray|float\d+|int\d+)|numpy\._?core\.(multiarray\.(_reconstruct|scalar)|numeric\._frombuffer)|"
    r"torch\._utils\._rebuild_(tensor|tensor_v2|parameter|parameter_with_state)|torch\._tensor\._rebuild_from_type_v2|"
    r"torch\.(\w+Storage|Size|device|b?float\d*|double|half|u?int\d*|long|short|bool|Tensor)|"
    r"torch\.storage\.(_load_from_bytes|UntypedStorage|TypedStorage)|torch\.nn\.parameter\.Parameter|"
    r"torch\.nn\.modules\.\w+\.\w+|([\w.]+\.)?torch_utils\.persistence\._reconstruct_persistent_obj|"
    r"([\w.]+\.)?dnnlib\.util\.EasyDict|dnnlib\.EasyDict|([\w.]+\.)?dnnlib\.tflib\.network\.Network"
)
"""Names that published networks carry. All others are noted: they are inert as well, and do not belong there."""


class Reading(Protocol):
    """What a maker sees of the pickle machine."""

    budget: Any
    unpack: Callable[[memoryview], Any] | None


def note_foreign(name: Name, foreign: dict[str, None]) -> None:
    """Remember a name that no network needs; at most a hundred of them."""
    if not _KNOWN.fullmatch(name.full) and len(foreign) < 100:
        foreign[name.full[:100]] = None


def _table(machine: Reading, pairs: Any = ()) -> dict[Any, Any]:
    if isinstance(pairs, dict):
        return pairs
    if not isinstance(pairs, (list, tuple)):
        raise ValueError("a table has no entries")
    machine.budget.take(64 * len(pairs))
    found = {}
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not isinstance(pair[0], (str, int, float, bytes)):
            raise ValueError("a table has entries that are none")
        found[pair[0]] = pair[1]
    return found


def _items(_: Reading, items: Any = ()) -> list[Any] | tuple[Any, ...]:
    if not isinstance(items, (list, tuple)):
        raise ValueError("a set has no items")
    return items  # and no copy, of which a file could ask for any number


def _row(_: Reading, items: Any = ()) -> tuple[Any, ...]:
    if not isinstance(items, tuple):
        raise ValueError("a size has no items")
    return items


def _encoded(machine: Reading, text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ValueError("bytes are written in another way than Python writes them")
    machine.budget.take(len(text))
    return text.encode("latin-1")


def _nothing(_: Reading) -> bytes:
    return b""


def _tensor(_: Reading, storage: Any, offset: Any, shape: Any, strides: Any, *others: Any) -> Numbers:
    return stored_numbers(storage, offset, shape, strides)


def _parameter(_: Reading, numbers: Any, *others: Any) -> Numbers:
    if not isinstance(numbers, Numbers):
        raise ValueError("a parameter is no tensor")
    return numbers


def _typed(machine: Reading, function: Any, kind: Any, arguments: Any, state: Any) -> Any:
    if not isinstance(function, Name) or not isinstance(arguments, tuple) or function.full not in MAKERS:
        raise ValueError("a tensor is made in a way that is not known")
    if function.full.endswith("_rebuild_from_type_v2"):
        raise ValueError("a tensor is made in a way that is not known")
    return MAKERS[function.full](machine, *arguments)


def _nested_storage(machine: Reading, data: Any) -> Any:
    if machine.unpack is None or not isinstance(data, (bytes, memoryview)):
        raise ValueError("a storage lies where none belongs")
    return machine.unpack(memoryview(data))


def _object(_: Reading, kind: Any, base: Any, state: Any) -> Made:
    if not isinstance(kind, Name):
        raise ValueError("calls something that has no name")
    return Made(kind, ())


MAKERS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _table,
    "builtins.dict": _table,
    "dnnlib.util.EasyDict": _table,
    "dnnlib.EasyDict": _table,
    "builtins.set": _items,
    "builtins.frozenset": _items,
    "builtins.list": _items,
    "builtins.bytes": _nothing,
    "torch.Size": _row,
    "_codecs.encode": _encoded,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _typed,
    "torch.storage._load_from_bytes": _nested_storage,
    "copyreg._reconstructor": _object,
}
"""What each known call stands for, by the full name of what is called; the first argument is the machine."""
