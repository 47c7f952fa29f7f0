"""From the setting `method=` to methods at each psi."""

import inspect
import re
from typing import Any

from omegaconf import DictConfig, OmegaConf

from insetgan.cli.build import instantiate
from insetgan.cli.evaluate_refinement import Refinements, generator_size
from insetgan.evaluation.method import Method, Setup
from insetgan.runtime.errors import UserError
from insetgan.runtime.plugins import resolve
from insetgan.runtime.settings import unknown_setting

OLD_KINDS = {
    "canvas": "insetgan.evaluation.methods.unconditional.Unconditional",
    "paste": "insetgan.evaluation.methods.paste.Paste",
    "refine": "insetgan.evaluation.methods.refine.Refine",
    "complete": "insetgan.completion.method.Complete",
    "folder": "insetgan.evaluation.methods.folder.Folder",
}
"""What the old key `kind` of a method stood for; it works for one more version."""


def read_methods(config: DictConfig) -> tuple[dict[str, Any], list[str]]:
    """The methods as plain settings by name, and what is to be said of old keys.

    Raises:
        UserError: a method without a class, or with an invalid name.
    """
    nodes: dict[str, Any] = {}
    said = []
    for name in map(str, config.method):
        key, given = f"method.{name}", config.method[name]
        if not re.fullmatch(r"[\w.-]+", name):
            raise UserError(f"{key}: a method needs a plain name, of letters, digits, dots, dashes and underscores")
        node: Any = OmegaConf.to_container(given, resolve=True) if OmegaConf.is_config(given) else {}
        if "kind" in node:
            kind = node.pop("kind")
            if kind not in OLD_KINDS:
                known = ", ".join(OLD_KINDS)
                raise UserError(f"{key}.kind={kind}: is an old key ({known}); now {key}._target_ names a class")
            node = {"_target_": OLD_KINDS[kind], **node}
            said.append(f"{key}.kind={kind} is an old key: now {key}._target_={OLD_KINDS[kind]}")
        if "_target_" not in node:
            raise UserError(f"{key}: needs a _target_, the class of the method, as in conf/method/joint.yaml")
        nodes[name] = node
    return nodes, said


def image_size(config: DictConfig, nodes: dict[str, Any], refinements: Refinements) -> tuple[int, int]:
    """Height and width to which all images are brought: the canvas's, or that of generators where there is nothing else.

    Args:
        config: of evaluate.py.
        nodes: from `read_methods`.
        refinements: whose canvas counts.

    Raises:
        UserError: generators of several sizes, or a file is missing.
    """
    own: dict[str, tuple[int, int] | None] = {}
    for name, node in nodes.items():
        maker: Any = resolve(node["_target_"], f"method.{name}._target_")
        try:
            own[name] = maker.own_size(node, f"method.{name}") if hasattr(maker, "own_size") else None
        except UserError:
            if node.get("optional") is not True:
                raise
    if not own or None in own.values():
        return generator_size(refinements.settings(config.trunc[0]).canvas.weights)
    if len(set(own.values())) > 1:
        told = ", ".join(f"method.{name} {size[0]} x {size[1]}" for name, size in own.items() if size)
        raise UserError(f"method: the generators draw several sizes ({told}); compare those of one size")
    return next(size for size in own.values() if size is not None)


def build_methods(
    config: DictConfig, nodes: dict[str, Any], refinements: Refinements, size: tuple[int, int]
) -> tuple[list[Method], dict[str, str]]:
    """Build the methods at each psi, in the order of the table, and check that what they need is there.

    Args:
        config: of evaluate.py.
        nodes: from `read_methods`.
        refinements: makes the runs of refine.py.
        size: from `image_size`.

    Returns:
        The methods, and the names of optional ones that are left out, with the reason.

    Raises:
        UserError: naming the setting that is wrong, or what is missing.
    """
    found: list[Method] = []
    left_out: dict[str, str] = {}
    for name, node in nodes.items():
        maker = _maker(f"method.{name}", node)
        uses_trunc = getattr(maker, "uses_trunc", True)
        truncs = list(config.trunc) if uses_trunc else [None]
        mine = [_build(name, node, psi, size, refinements, found) for psi in truncs]
        try:
            mine[0].check()
        except UserError as error:
            if not mine[0].optional:
                raise
            left_out[name] = str(error)
            continue
        found += mine
    if not found:
        raise UserError(f"method: nothing is left to compare: {'; '.join(left_out.values())}")
    return found, left_out


def _maker(key: str, node: dict[str, Any]) -> Any:
    """The class of a method; its settings are those that its constructor takes.

    Raises:
        UserError: no such class, or a setting that it does not take.
    """
    maker = resolve(node["_target_"], f"{key}._target_")
    parameters = inspect.signature(maker).parameters.values()
    allowed = [each.name for each in parameters if each.name not in ("setup", "self")]
    if not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
        for setting in node:
            if setting not in allowed and setting != "_target_":
                raise unknown_setting(f"{key}.{setting}", allowed)
    return maker


def _build(
    name: str,
    node: dict[str, Any],
    psi: float | None,
    size: tuple[int, int],
    refinements: Refinements,
    methods: list[Method],
) -> Method:
    def refinement(overrides: Any) -> Any:
        run = refinements.run(refinements.config.trunc[0] if psi is None else psi, overrides)
        if generator_size(run.config.canvas.weights) != size:
            raise UserError(f"method.{name}: its canvas has another size than canvas.weights of refine=")
        return run

    precision = str(refinements.config.trainer.precision)
    setup = Setup(name, psi, size, refinement, refinements.measures, precision, methods)
    made: Method = instantiate(OmegaConf.create({"method": {name: node}}).method[name], Method, setup=setup)
    return made
