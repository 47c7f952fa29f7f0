"""The modules within the record of a network: their names, classes, attributes and tensors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from insetgan.weights.published.records import Made, Numbers

_DEPTH = 16
_MOST = 4096
_PERSISTENT = "torch_utils.persistence._reconstruct_persistent_obj"


@dataclass(frozen=True, eq=False)
class Module:
    """One module.

    Attributes:
        path: its name with those of the modules around it, such as "synthesis.b4"; "" for the network itself.
        class_name: of its class.
        state: its attributes.
    """

    path: str
    class_name: str
    state: dict[str, Any]

    def tensors(self) -> Iterator[tuple[str, Numbers]]:
        """Name within the network -> tensor of its own parameters and buffers."""
        for table in ("_parameters", "_buffers"):
            for name, value in _table(self.state.get(table)).items():
                if value is None:
                    continue
                if not isinstance(value, Numbers):
                    raise ValueError(f"{self.path}.{name} is no tensor")
                yield f"{self.path}.{name}".lstrip("."), value


def module_of(record: Any, path: str = "") -> Module | None:
    """A module from its record, in NVIDIA's way or PyTorch's own; None where the record is of none."""
    if not isinstance(record, Made):
        return None
    name: Any = record.function.name
    state = record.state
    if record.function.full == _PERSISTENT or record.function.full.endswith(f".{_PERSISTENT}"):
        # ({"type", "version", "module_src", "class_name", "state"},): module_src, a program, is not looked at.
        meta = record.arguments[0] if len(record.arguments) == 1 and isinstance(record.arguments[0], dict) else {}
        name, state = meta.get("class_name"), meta.get("state")
    if not isinstance(name, str) or not isinstance(state, dict) or "_parameters" not in state:
        return None
    return Module(path, name, state)


def modules_of(record: Any) -> dict[str, Module]:
    """All modules of a network by their paths, the network itself at "".

    Raises:
        ValueError: the record is of no network, or of one that is nested without end.
    """
    root = module_of(record)
    if root is None:
        raise ValueError(f"{_described(record)} stands where a network belongs")
    found: dict[str, Module] = {"": root}
    level = [root]
    for _ in range(_DEPTH):
        inner = []
        for module in level:
            for name, value in _table(module.state.get("_modules")).items():
                if value is None:
                    continue
                child = module_of(value, f"{module.path}.{name}".lstrip("."))
                if child is None:
                    raise ValueError(f"{_described(value)} stands where the module {module.path}.{name} belongs")
                inner.append(child)
                found[child.path] = child
                if len(found) > _MOST:
                    raise ValueError(f"has more than {_MOST} modules")
        if not inner:
            return found
        level = inner
    raise ValueError("has modules within modules without end")


def _described(value: Any) -> str:
    if isinstance(value, Made):
        return f"what {value.function.full[:100]} would make, which is never called,"
    return f"a {type(value).__name__}"


def _table(value: Any) -> dict[str, Any]:
    """A table of names, which is what a module's parts lie in.

    Raises:
        ValueError: it is none.
    """
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(name, str) and len(name) < 100 for name in value):
        raise ValueError("has a module whose parts have no names")
    return value
