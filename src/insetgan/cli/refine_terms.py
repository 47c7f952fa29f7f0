"""Which terms of the objective act: all but those that the mode excludes and those that are dropped."""

from collections.abc import Iterable, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from insetgan.cli.build import instantiate
from insetgan.refine.objective import Objective
from insetgan.refine.terms.term import FAMILIES, Term
from insetgan.runtime.errors import UserError


def build_objective(config: DictConfig) -> "Objective":
    """Build the terms that act. A term acts unless its family is excluded, so a new family acts in every mode.

    Raises:
        UserError: `mode.exclude` or `drop` names neither a family nor, for `drop`, a term.
    """
    terms: dict[str, Term] = {str(name): instantiate(term, Term) for name, term in config.objective.items()}
    families = tuple(dict.fromkeys([*FAMILIES, *(term.family for term in terms.values())]))
    excluded = excluded_families(config)
    for family in excluded:
        if family not in families:
            raise UserError(f"mode.exclude={family}: must be one of {', '.join(families)}")
    out = {*excluded, *_dropped(config, terms, families)}
    return Objective({name: term for name, term in terms.items() if name not in out and term.family not in out})


def excluded_families(config: DictConfig) -> tuple[str, ...]:
    """Families of terms that the mode excludes; by `mode.terms`, its old name, all of the paper's but those."""
    if config.mode.terms is None:
        return tuple(config.mode.exclude)
    kept = _list(config.mode.terms)
    for family in kept:
        if family not in FAMILIES:
            raise UserError(f"mode.terms={family}: must be one of {', '.join(FAMILIES)}")
    return tuple(family for family in FAMILIES if family not in kept)


def describe_left_out(config: DictConfig, objective: "Objective") -> list[str]:
    """Say in one line which terms do not act, and in another where an old key was used."""
    said = []
    if config.mode.terms is not None:
        said.append(
            f"mode.terms={_shown(_list(config.mode.terms))} is an old key: now mode.exclude={_shown(excluded_families(config))}"
        )
    if missing := [str(name) for name in config.objective if name not in objective.terms]:
        by = f"mode={config.mode.name}" + ("" if config.drop is None else f" and drop={_shown(_list(config.drop))}")
        said.append(f"left out by {by}: {', '.join(missing)}")
    return said


def _dropped(config: DictConfig, terms: Iterable[str], families: Sequence[str]) -> list[str]:
    """Names of terms and families that `drop=` leaves out."""
    names = [] if config.drop is None else _list(config.drop)
    for name in names:
        if name not in terms and name not in families:
            raise UserError(f"drop={name}: must name a term ({', '.join(terms)}) or a family ({', '.join(families)})")
    return names


def _list(given: Any) -> list[str]:
    plain = OmegaConf.to_object(given) if OmegaConf.is_config(given) else given
    return [str(each) for each in plain] if isinstance(plain, list) else str(plain).split(",")


def _shown(names: Iterable[str]) -> str:
    return f"[{','.join(names)}]"
