"""TorchScript files, which are programs: loaded only when they are trusted, and not when they could write."""

import hashlib
import io
import re
import warnings
import zipfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.reading import size_text
from insetgan.runtime.zips import check_members

_NAMES = ("from_file", "save", "manual_seed", "rpc_async", "rpc_sync", "rpc_remote")
_IN_SOURCE = re.compile(
    rf"\.\s*(?P<name>{'|'.join(_NAMES)})\b|\bops\s*\.\s*(?P<family>\w+)|(?P<bound>\btorch\s*\.\s*classes)\b|"
    r"(?P<getattr>\bgetattr\b)(?:\([\w.]+, \"(?P<attribute>\w+)\"\))?"
)
"""Operators are named in the source by `torch.NAME` and `ops.FAMILY.NAME`; `getattr` could spell a name in pieces."""
_FAMILIES = ("aten", "prim", "prims", "quantized", "torchvision")
"""Families of operators that compute; others open connections, shared memory or files."""
_REFUSED = (
    "aten::from_file",
    "aten::save",
    "aten::manual_seed",
    "prim::rpc_async",
    "prim::rpc_sync",
    "prim::rpc_remote",
)


def load_script(path: Path, *, key: str, trust: bool, known: Collection[str] = ()) -> nn.Module:
    """A TorchScript network on the CPU, in evaluation mode, without gradients.

    Its source is looked at before it is loaded, since loading runs parts of it, and the graphs of all its methods afterwards:
    a network that names an operator which writes files, opens connections or seeds torch's randomness is refused. This
    holds off what is known to do harm; it is no proof that a program is harmless, so that a file must be trusted as well.

    Args:
        path: of the file.
        key: the group of its settings, for messages, such as "features".
        trust: the user's word that the file comes from where programs may come from.
        known: SHA-256 of files that are trusted without it.

    Raises:
        UserError: no such file, not trusted, not TorchScript or not all of it, or it names such an operator.
    """
    if not path.is_file():
        raise UserError(f"{key}.path={path}: no file {path.absolute()}; give a TorchScript file")
    try:
        with zipfile.ZipFile(path) as archive:
            names = check_members(archive)
            sources = [name for name in names if name.endswith(".py")]
            if not sources:
                raise ValueError("holds no source")
            if not trust and not _is_known(path, known):
                raise UserError(
                    f"{key}.path={path}: a TorchScript file is a program; {key}.trust=true runs it, if you trust its source"
                )
            _refuse_source(archive, sources, f"{key}.path={path}")
            # What was looked at is what is loaded: torch's reader could see other members in a file made for that.
            whole = _copied(archive, names)
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # TorchScript is what people have
            module: nn.Module = cast(Any, torch.jit.load)(whole, map_location="cpu")
    except UserError:
        raise
    except (RuntimeError, ValueError, OSError, NotImplementedError, zipfile.BadZipFile) as error:
        reason = f" ({error})" if type(error) is ValueError else ""
        raise UserError(f"{key}.path={path}: not a whole TorchScript file{reason}") from error
    if refused := next(iter(_refused_operators(module)), None):
        raise UserError(f"{key}.path={path}: uses {refused}, which does more than compute; such networks are not run")
    for parameter in module.parameters():  # TorchScript modules lack requires_grad_ of their own
        parameter.requires_grad_(False)
    return module.eval()


def _is_known(path: Path, known: Collection[str]) -> bool:
    if not known:
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() in known


def _refuse_source(archive: zipfile.ZipFile, sources: Iterable[str], said: str) -> None:
    total = 0
    for name in sources:
        total += archive.getinfo(name).file_size
        if total > limits.SCRIPT_BYTES:
            raise ValueError(f"its source takes more than {size_text(limits.SCRIPT_BYTES)}")
        text = archive.read(name).decode("utf-8", "replace")
        for match in _IN_SOURCE.finditer(text):
            if found := _beyond_computing(match):
                raise UserError(f"{said}: uses {found}, which does more than compute; such networks are not run")


def _beyond_computing(match: re.Match[str]) -> str:
    """What a match in the source names that is refused; "" for a family or attribute that is let pass."""
    if match["getattr"]:
        attribute = match["attribute"]
        return "" if attribute and attribute not in _NAMES else f"getattr {attribute or ''}".strip()
    if match["family"]:
        return "" if match["family"] in _FAMILIES else f"ops.{match['family']}"
    return match["name"] or "torch.classes"


def _copied(archive: zipfile.ZipFile, names: Iterable[str]) -> io.BytesIO:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as copy:
        for name in names:
            copy.writestr(zipfile.ZipInfo(name), archive.read(name))
    whole.seek(0)
    return whole


def _refused_operators(module: nn.Module) -> Iterator[str]:
    """Operators of all methods of all modules in it, with what they call, that are not to be run."""
    for each in module.modules():
        script: Any = getattr(each, "_c", None)
        for name in script._method_names() if script is not None else ():
            graph = script._get_method(name).graph.copy()
            cast(Any, torch._C)._jit_pass_inline(graph)
            yield from _refused_in(graph)


def _refused_in(block: Any) -> Iterator[str]:
    for node in block.nodes():
        kind: str = node.kind()
        if kind in _REFUSED or kind.partition("::")[0] not in _FAMILIES:
            yield kind
        for inner in node.blocks():
            yield from _refused_in(inner)
        if node.hasAttribute("Subgraph"):
            graph = node.g("Subgraph").copy()
            cast(Any, torch._C)._jit_pass_inline(graph)
            yield from _refused_in(graph)
