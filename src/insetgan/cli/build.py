"""The one place that turns configuration into objects."""

from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from insetgan.runtime.errors import UserError

ALLOWED = ("insetgan.", "insetgan_renderers.", "torch.optim.", "pytorch_lightning.", "torchmetrics.")


def instantiate(config: Any, **extra: Any) -> Any:
    """Build what the `_target_` entries of a configuration name, innermost first.

    Args:
        config: a node of the configuration; without `_target_` it comes back as plain dicts and lists of built objects.
        extra: further keyword arguments of the outermost constructor.

    Raises:
        UserError: a target outside the allowed packages, or arguments that its constructor refuses.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate as hydra_instantiate

    for target in _targets(config):
        if not target.startswith(ALLOWED):
            raise UserError(f"_target_={target}: only names below {', '.join(ALLOWED)} may be built from configuration")
    try:
        return hydra_instantiate(config, _convert_="all", **extra)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, (UserError, OSError)):
            raise cause from None
        if isinstance(cause, ImportError) and "Error loading" in str(cause):
            raise UserError(f"{_key(config)}: {str(cause).splitlines()[0]}") from error
        if isinstance(cause, ModuleNotFoundError) and not str(cause.name).startswith("insetgan"):
            if cause.name is None:  # Lightning says in words what is missing, and how to get it
                raise UserError(f"{_key(config)}: {str(cause).splitlines()[0]}") from error
            raise UserError(f"the package {cause.name} is not installed: pip install -e '.[dev]'") from error
        if isinstance(cause, TypeError) and "not supported between" in str(cause):
            raise UserError(_text_for_a_number(config)) from error
        if isinstance(cause, (TypeError, ValueError)) or cause is None:
            raise UserError(f"{_key(config)}: {cause or error}") from error
        raise cause from None


def _text_for_a_number(config: Any) -> str:
    """Name the settings in which text stands; one of them was compared with a number."""
    found = []
    for name, value in config.items() if isinstance(config, DictConfig) else ():
        if isinstance(value, str) and not str(name).startswith("_"):
            found.append(f"{_key(config)}.{name!s}={value}")
    return f"{' or '.join(found) or _key(config)}: must be a number"


def _key(config: Any) -> str:
    return getattr(config, "_get_full_key", lambda _: "")("") or "configuration"


def _targets(config: Any) -> Iterator[str]:
    node = OmegaConf.to_container(config, resolve=True) if isinstance(config, (DictConfig, ListConfig)) else config
    if isinstance(node, dict):
        if isinstance(node.get("_target_"), str):
            yield node["_target_"]
        for value in node.values():
            yield from _targets(value)
    elif isinstance(node, list):
        for value in node:
            yield from _targets(value)
