"""Keys of generate.py, and what values they may have."""

import math
from collections.abc import Iterable
from dataclasses import field, fields
from itertools import pairwise
from typing import Annotated, Any, Literal

from omegaconf import DictConfig, OmegaConf
from pydantic import Field

from insetgan.cli.compute_config import ThreadsConfig
from insetgan.cli.seeds import parse_seeds, refuse_too_many
from insetgan.cli.setting_types import LICENCE, Plugins, SeedText
from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import UserPath, UserWeights
from insetgan.runtime.settings import settings

_MOST_PSI = 2.0


@settings
class GenerateConfig:
    """Settings of `insetgan generate`."""

    weights: Annotated[UserWeights, Field(description="a generator: an embedded model by name, or a file")] = "body"
    seeds: Annotated[SeedText, Field(description="of the images, as 0-31, 3 or [1,5,10-12]")] = "0-31"
    trunc: Annotated[
        float | str | list[float | str],
        Field(
            description="psi, 0 to 2; 1 is off, 0 the average image; several, as 0.5,0.7,1, draw each seed with each"
        ),
    ] = 0.7
    mix: Annotated[
        list[Any] | None,
        Field(description="style mixing: [ROWS,COLUMNS], both seeds as in seeds=; layers= come from the column's seed"),
    ] = None
    layers: Annotated[
        SeedText | None,
        Field(
            description="of style mixing, from 0 (the coarsest), as 4-8; null is the coarsest third: pose and outline"
        ),
    ] = None
    walk: Annotated[
        SeedText | None,
        Field(description="an interpolation film that leads by these seeds, as [3,8,21]; [3,8,3] comes back"),
    ] = None
    frames: Annotated[int, Field(ge=1, le=10_000, description="images of a walk from one seed to the next")] = 24
    space: Annotated[
        Literal["z", "w"],
        Field(description="of a walk: z at even angles on its sphere, or w, straight in what z is mapped to"),
    ] = "z"
    label: Annotated[
        int | list[float] | None,
        Field(description="what a conditional generator draws: a class 0, 1, ..., or a list of numbers"),
    ] = None
    batch_size: Annotated[int, Field(ge=1, le=4096, description="images at once")] = 16
    device: Annotated[Literal["auto", "cpu", "cuda"], Field(description="where to compute")] = "auto"
    trainer: Annotated[ThreadsConfig, Field(description="how to compute")] = field(default_factory=ThreadsConfig)
    out: Annotated[
        UserPath | None,
        Field(description="the result folder; null is outputs/generate/<what>-<digest of the settings>"),
    ] = None
    overwrite: Annotated[bool, Field(description="make the images at out again, of these settings or of others")] = (
        False
    )
    accept_licence: Annotated[bool, Field(description=LICENCE)] = False
    plugins: Plugins = None


_DEFAULTS = {field.name: field.default for field in fields(GenerateConfig)}


def check(config: DictConfig) -> None:
    """Refuse settings that do not go together.

    Raises:
        UserError: naming the key, the value and what is allowed.
    """
    if config.mix is not None and config.walk is not None:
        raise UserError(f"walk={config.walk}: goes without mix=; give one command for each")
    if config.layers is not None and config.mix is None:
        raise UserError(f"layers={config.layers}: belongs to style mixing; add 'mix=[0-3,8-11]' or leave it away")
    if (config.mix is not None or config.walk is not None) and len(parse_truncs(_plain(config.trunc))) > 1:
        raise UserError(f"trunc={config.trunc}: must be one value with mix= or walk=")
    _refuse_unused(config)
    _refuse_too_many(config)


def _refuse_unused(config: DictConfig) -> None:
    """Refuse settings that were changed and have no effect."""
    unused = {}
    if config.mix is not None or config.walk is not None:
        unused["seeds"] = "mix= and walk= name their own seeds"
    if config.walk is None:
        unused |= dict.fromkeys(("frames", "space"), "belongs to walk=")
    for key, said in unused.items():
        if (given := _plain(config[key])) != _DEFAULTS[key]:
            raise UserError(f"{key}={_shown(given)}: {said}; leave it away")


def _refuse_too_many(config: DictConfig) -> None:
    """Count the images before they are listed."""
    if config.mix is not None:
        rows, columns = map(len, parse_mix(config.mix))
        refuse_too_many(f"mix={_shown(_plain(config.mix))}", rows + columns + rows * columns)
    elif config.walk is not None:
        steps = len(parse_walk(config.walk)) - 1
        refuse_too_many(f"frames={config.frames} walk={_shown(_plain(config.walk))}", steps * config.frames + 1)
    else:
        seeds, truncs = parse_seeds(_plain(config.seeds)), parse_truncs(_plain(config.trunc))
        refuse_too_many(
            f"trunc={_shown(_plain(config.trunc))} seeds={_shown(_plain(config.seeds))}", len(seeds) * len(truncs)
        )


def parse_truncs(given: Any) -> list[float]:
    """Read one psi or several: `0.7`, `0.5,0.7,1` or a list.

    Raises:
        UserError: no number, one out of 0..2, or one that is named twice.
    """
    items = given if isinstance(given, list) else str(given).split(",")
    found: list[float] = []
    for item in items:
        try:
            psi = float(item)
        except ValueError:
            psi = math.nan
        if not 0 <= psi <= _MOST_PSI:
            raise UserError(
                f"trunc={_shown(given)}: '{item}' must be a number from 0 to {_MOST_PSI:g}, as in 0.5,0.7,1"
            )
        if psi in found:
            raise UserError(f"trunc={_shown(given)}: {psi:g} is named twice")
        found.append(psi)
    if not found:
        raise UserError("trunc=[]: name at least one psi, such as 0.7")
    return found


def parse_mix(given: Any) -> tuple[list[int], list[int]]:
    """Read `[ROWS,COLUMNS]`.

    Raises:
        UserError: not two items, or an item that is no list of seeds.
    """
    plain = _plain(given)
    if len(plain) != 2:
        raise UserError(f"mix={_shown(plain)}: must be two lists of seeds, [ROWS,COLUMNS], as in 'mix=[0-3,8-11]'")
    rows, columns = (parse_seeds(each, key=f"mix[{index}]") for index, each in enumerate(plain))
    return rows, columns


def parse_layers(given: Any, count: int) -> list[int]:
    """Read the numbers of the layers that are mixed; None is the coarsest third.

    Args:
        given: what was typed.
        count: layers of the generator.

    Raises:
        UserError: no numbers, or one that the generator does not have.
    """
    if given is None:
        return list(range(max(1, count // 3)))
    layers = parse_seeds(_plain(given), key="layers", word="layer")
    if max(layers) >= count:
        raise UserError(f"layers={_shown(_plain(given))}: this generator has {count} layers, 0 to {count - 1}")
    return layers


def parse_walk(given: Any) -> list[int]:
    """Read the stops of a walk.

    Raises:
        UserError: fewer than two, or the same one twice in a row.
    """
    stops = parse_seeds(_plain(given), key="walk", unique=False)
    if len(stops) < 2:
        raise UserError(f"walk={_shown(_plain(given))}: needs two seeds or more, as in 'walk=[3,8,21]'")
    for first, second in pairwise(stops):
        if first == second:
            raise UserError(f"walk={_shown(_plain(given))}: {first} follows itself")
    return stops


def _plain(value: Any) -> Any:
    return OmegaConf.to_object(value) if OmegaConf.is_config(value) else value


def _shown(given: Any) -> str:
    if isinstance(given, Iterable) and not isinstance(given, str):
        return f"[{','.join(map(_shown, given))}]"
    return str(given)
