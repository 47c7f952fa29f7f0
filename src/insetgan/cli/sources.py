"""What the source of a class says of its settings, read without importing it, since that would take seconds."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def describe_target(target: str) -> Iterator[str]:
    """Yield lines about a class or function that a `_target_` names: what it is, and its settings.

    Args:
        target: its full name. For one whose source is not found, the name alone is given.
    """
    yield target
    module, _, name = target.rpartition(".")
    if (tree := _tree(module)) is None or (found := _definition(tree, name)) is None:
        return
    text = ast.get_docstring(found) or ""
    yield from (f"  {line}".rstrip() for line in text.split("\n\nReturns:")[0].split("\n\nRaises:")[0].splitlines())
    for line in dict.fromkeys(_fields(found, tree)):
        yield f"    {line}"


def describe_value(name: str) -> Iterator[str]:
    """Yield the source of a mapping that a module holds, such as `insetgan.refine.terms.paper.PAPER`, and about its classes."""
    module, _, last = name.rpartition(".")
    if (tree := _tree(module)) is None:
        return
    values = [node.value for node in tree.body if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == last]
    inner = [each for value in values if value is not None for each in ast.walk(value)]
    for entry in inner:
        if isinstance(entry, ast.Dict):
            for key, value in zip(entry.keys, entry.values, strict=True):
                yield f"  {str(key.value) if isinstance(key, ast.Constant) else '...'}: {ast.unparse(value)}"
    called = [each.func.id for each in inner if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)]
    for each in dict.fromkeys(called):
        if (origin := _origin(tree, each)).startswith("insetgan."):
            yield from ("", *describe_target(f"{origin}.{each}"))


def _tree(module: str) -> ast.Module | None:
    """The source of a module; the packages round it are looked for, not imported."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top) if top.isidentifier() else None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder).joinpath(*rest).with_suffix(".py")
        if path.is_file():
            return ast.parse(path.read_text(encoding="utf-8"))
    return None


def _definition(tree: ast.Module, name: str) -> ast.ClassDef | ast.FunctionDef | None:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return node
    return None


def _fields(found: ast.ClassDef | ast.FunctionDef, tree: ast.Module) -> Iterator[str]:
    """A line for each setting that a class and its bases declare with `Annotated[..., Field(description=...)]`."""
    if isinstance(found, ast.FunctionDef):
        return
    for base in found.bases:
        if isinstance(base, ast.Name):
            if (inherited := _definition(tree, base.id)) is not None:
                yield from _fields(inherited, tree)
            elif (module := _origin(tree, base.id)) and (source := _tree(module)) is not None:
                if (inherited := _definition(source, base.id)) is not None:
                    yield from _fields(inherited, source)
    for node in found.body:
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and (said := _declared(node.annotation))
        ):
            default = (
                f"={ast.unparse(node.value)}" if isinstance(node.value, ast.Constant | ast.Tuple | ast.UnaryOp) else ""
            )
            yield f"{node.target.id}{default}: {said}"


def _origin(tree: ast.Module, name: str) -> str:
    """The module from which a name is imported."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            return node.module or ""
    return ""


def _declared(annotation: ast.expr) -> str:
    """Description and range of `Annotated[type, Field(...)]`; empty for another annotation."""
    if not (isinstance(annotation, ast.Subscript) and isinstance(annotation.slice, ast.Tuple)):
        return ""
    found: dict[str, Any] = {}
    for node in annotation.slice.elts[1:]:
        for keyword in node.keywords if isinstance(node, ast.Call) else ():
            if isinstance(keyword.value, ast.Constant | ast.UnaryOp | ast.BinOp | ast.JoinedStr):
                found[str(keyword.arg)] = ast.unparse(keyword.value).strip("'\"")
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    limits = ", ".join(f"{word} {found[name]}" for name, word in words.items() if name in found)
    return str(found.get("description", "")) + (f" ({limits})" if limits else "")
