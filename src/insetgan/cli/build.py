"""The one place that turns configuration into objects."""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn
from torch.utils.data import Dataset

from insetgan.cli.forwarded import Forwarded
from insetgan.data.archive import Archive
from insetgan.refine.schedule import Stage
from insetgan.refine.terms.ramp import Ramp
from insetgan.runtime.errors import UserError
from insetgan.runtime.plugins import OURS, admitted, resolve
from insetgan.runtime.settings import SettingError


def instantiate(config: Any, kind: type, **extra: Any) -> Any:
    """Build what the `_target_` of a node names, and before it what its arguments name.

    Only `_target_` and arguments are understood. Every class is found by `plugins.resolve`, must be of the wanted kind
    before it is called, and what it gives must be so as well. Arguments come as plain dicts, lists, texts and numbers.

    Args:
        config: a node of the configuration, or the like as plain dicts and lists.
        kind: class or protocol of the object that is wanted.
        extra: further arguments of the outermost class, which the configuration must not give.

    Raises:
        UserError: the node is no description of an object of this kind, or its class refuses the arguments.
    """
    plain: Any = OmegaConf.to_container(config, resolve=True) if OmegaConf.is_config(config) else config
    key = _key(config)
    return _built(plain, key, kind, extra, Forwarded(config, key))


def _built(node: Any, key: str, kind: type | None, extra: Mapping[str, Any], forwarded: Forwarded) -> Any:
    """Build one object; of `kind`, or of a kind that is an argument of others where that is None."""
    wanted = kind.__name__ if kind is not None else "network, data set, archive, tensor, ramp or stage"
    if not isinstance(node, dict) or "_target_" not in node:
        raise UserError(f"{key}={node}: must be a {wanted}, described by _target_ and its arguments")
    _refuse_shapes(node, key)
    target = node["_target_"]
    maker = resolve(target, f"{key}._target_")
    if isinstance(maker, type) and not _is_kind(maker, kind):
        missing = "".join(f", and has no method {name}" for name in _missing_methods(maker, kind))
        raise UserError(f"{key}._target_={target}: must be a {wanted}{missing}")
    arguments = {
        name: _value(value, forwarded.typed(f"{key}.{name}"), forwarded)
        for name, value in node.items()
        if name != "_target_"
    }
    for name in extra:
        if name in arguments:
            raise UserError(f"{key}.{name}={arguments[name]}: is not set here; the command decides it")
    try:
        made = _called(maker, {**arguments, **extra}, key, node, forwarded)
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and "allocate memory" not in str(error):
            raise
        raise UserError(f"{key}: takes more memory than there is; make it smaller") from error
    if not _is_kind(type(made), kind):
        raise UserError(f"{key}._target_={target}: gives a {type(made).__name__}, must give a {wanted}")
    if lacking := sorted(name for name in _members(kind) if not hasattr(made, name)):
        raise UserError(f"{key}._target_={target}: has no {', '.join(lacking)}, which a {wanted} has")
    return made


def _value(value: Any, key: str, forwarded: Forwarded) -> Any:
    """An argument: an object where it names one, else the plain value, in which objects may be named further down."""
    if isinstance(value, dict):
        if "_target_" in value:
            return _built(value, key, None, {}, forwarded)
        _refuse_shapes(value, key)
        return {name: _value(inner, forwarded.typed(f"{key}.{name}"), forwarded) for name, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner, f"{key}[{index}]", forwarded) for index, inner in enumerate(value)]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise UserError(f"{key}={value}: must be text, a number, true, false, a list or a mapping")


def _refuse_shapes(node: Mapping[Any, Any], key: str) -> None:
    """Hydra's other keys (`_partial_`, `_args_`, `_recursive_`, `_convert_`) make something else than an object."""
    for name in node:
        if str(name).startswith("_") and name != "_target_":
            raise UserError(f"{key}.{name}: is not understood; an object is described by _target_ and its arguments")


def _is_kind(made: type, kind: type | None) -> bool:
    """Whether a class is of a kind; for a protocol, whether it has the methods, since attributes come with the object."""
    if kind is None:
        # What an object of an admitted package is made of is that package's business.
        return made.__module__.partition(".")[0] in admitted() or issubclass(made, _kinds_of_arguments())
    return not _missing_methods(made, kind) if _is_protocol(kind) else issubclass(made, kind)


def _missing_methods(made: type, kind: type | None) -> list[str]:
    """Methods of a protocol that a class lacks; none for other kinds."""
    methods = [name for name in sorted(_members(kind)) if callable(getattr(kind, name, None))]
    return [name for name in methods if not any(name in vars(base) for base in made.__mro__)]


def _kinds_of_arguments() -> tuple[type, ...]:
    """What the arguments of our own objects may be built of."""
    return (nn.Module, Dataset, Tensor, Archive, Ramp, Stage)


def _members(kind: type | None) -> set[str]:
    """What a protocol asks for: its methods, properties and annotated attributes; nothing for a class."""
    if kind is None or not _is_protocol(kind):
        return set()
    named = {*vars(kind), *getattr(kind, "__annotations__", {})}
    return {name for name in named if not name.startswith("_") or name == "__call__"}


def _is_protocol(kind: type) -> bool:
    return bool(getattr(kind, "_is_protocol", False))


def _called(maker: Any, arguments: Mapping[str, Any], key: str, node: Mapping[str, Any], forwarded: Forwarded) -> Any:
    """Call the class; what it makes of wrong arguments is the user's mistake."""
    try:
        return maker(**arguments)
    except (UserError, OSError) as error:
        raise (forwarded.error(error, key) if isinstance(error, SettingError) else error) from error.__cause__
    except ModuleNotFoundError as error:
        if str(error.name).startswith(OURS):
            raise
        if error.name is None:  # Lightning says in words what is missing, and how to get it
            raise UserError(f"{key}: {str(error).splitlines()[0]}") from error
        raise UserError(f"the package {error.name} is not installed: pip install -e '.[dev]'") from error
    except ImportError as error:
        if "Error loading" not in str(error):
            raise
        raise UserError(f"{key}: {str(error).splitlines()[0]}") from error
    except TypeError as error:
        if "not supported between" in str(error):
            raise UserError(_text_for_a_number(node, key, forwarded)) from error
        raise UserError(f"{key}: {error}") from error
    except ValueError as error:
        raise UserError(forwarded.line(key, str(error))) from error


def _text_for_a_number(node: Mapping[str, Any], key: str, forwarded: Forwarded) -> str:
    """Name the settings in which text stands; one of them was compared with a number."""
    texts = [name for name, value in node.items() if isinstance(value, str) and name != "_target_"]
    found = [f"{forwarded.typed(f'{key}.{name}')}={node[name]}" for name in texts]
    return f"{' or '.join(found) or key}: must be a number"


def _key(config: Any) -> str:
    return (config._get_full_key("") if isinstance(config, DictConfig) else "") or "configuration"
