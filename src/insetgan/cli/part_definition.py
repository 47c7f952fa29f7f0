"""The definition of a part, conf/parts/<part>.yaml: refine.py places insets by it, train.py cuts training images by it."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from insetgan.cli.places import CONF
from insetgan.cli.refine_config import PartConfig
from insetgan.data.part_crop import PartCrop
from insetgan.ops.boxes import MARGIN
from insetgan.runtime.errors import UserError
from insetgan.runtime.settings import unknown_setting

_GROUP = "parts"


def part_crop(part: str | None) -> PartCrop:
    """How the training images of a part are cut, by its definition.

    The parts are the names in the file, which the detector and the boxes of the data set know them by. Those with
    `mirror: true` are flipped, and the margin is the one of their placement.

    Args:
        part: name of the file, as in `part=face`.

    Raises:
        UserError: no part is given, there is no such file, or it does not describe one crop.
    """
    path = _file(part)
    found = OmegaConf.load(path)
    if not isinstance(found, DictConfig) or not found or not all(OmegaConf.is_dict(node) for node in found.values()):
        raise UserError(f"part={part}: {path} must hold parts by name, as conf/parts/face.yaml does")
    known = [field.name for field in fields(PartConfig)]
    for name, node in found.items():
        for key in node:
            if key not in known:
                raise UserError(f"part={part}: {unknown_setting(str(name) + '.' + str(key), known)}")
    margins = {str(name): _margin(part, str(name), node) for name, node in found.items()}
    if len(set(margins.values())) > 1:
        said = ", ".join(f"{name} {margin:g}" for name, margin in margins.items())
        raise UserError(f"part={part}: the parts of {path} need one placement.margin, not {said}")
    mirrored = tuple(str(name) for name, node in found.items() if node.get("mirror", False))
    return PartCrop(tuple(margins), mirrored, next(iter(margins.values())))


def part_names(part: str | None) -> list[str]:
    """Names of the parts that are cut out."""
    return list(part_crop(part).parts)


def part_mirrored(part: str | None) -> list[str]:
    """Names of those that are flipped left to right."""
    return list(part_crop(part).mirrored)


def part_margin(part: str | None) -> float:
    """Margin of the crops."""
    return part_crop(part).margin


def part_flips(part: str | None, usual: bool) -> bool:
    """Whether training may flip images at random: not where some were flipped so that all look alike."""
    return usual and not part_crop(part).mirrored


def usual_margin() -> float:
    """Margin of the parts that come with the project; see `ops.boxes.MARGIN`."""
    return MARGIN


RULES = (part_names, part_mirrored, part_margin, part_flips, usual_margin)
"""What files of conf/ may call by name."""


def _file(part: str | None) -> Path:
    """The file of a part in the first folder of settings that has it, those of --config-dir among them."""
    sources: Any = HydraConfig.get().runtime.config_sources if HydraConfig.initialized() else ()
    folders = list(dict.fromkeys([*(Path(source.path) for source in sources if source.schema == "file"), CONF]))
    allowed = ", ".join(sorted({path.stem for folder in folders for path in (folder / _GROUP).glob("*.yaml")}))
    if part is None:
        raise UserError(f"part is not given: add part=NAME, one of conf/parts (allowed: {allowed})")
    if re.fullmatch(r"\w[\w-]*", part):
        for folder in folders:
            if (path := folder / _GROUP / f"{part}.yaml").is_file():
                return path
    raise UserError(f"part={part}: no such part in conf/parts (allowed: {allowed})")


def _margin(part: str | None, name: str, node: DictConfig) -> float:
    margin = OmegaConf.select(node, "placement.margin", default=MARGIN)
    if isinstance(margin, bool) or not isinstance(margin, (int, float)):
        raise UserError(f"part={part}: {name}.placement.margin={margin}: must be a number")
    return float(margin)
