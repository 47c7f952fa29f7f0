"""Which images an encoder is trained on: what conf/model/encoder.yaml asks about its generator."""

from typing import Any

from insetgan.cli.part_definition import part_crop
from insetgan.cli.places import CONF
from insetgan.data.part_crop import PartCrop
from insetgan.runtime.errors import UserError
from insetgan.weights.store import read_metadata


def generator_size(generator: str | None, side: str, key: str = "generator") -> int:
    """Height or width of the images of a generator, by the header of its file.

    Args:
        generator: an embedded model, or a file.
        side: height or width.
        key: what the setting is called, for messages.

    Raises:
        UserError: no generator is given, there is no such file, or it holds something else.
    """
    if generator is None:
        example = "body" if key == "canvas" else "face"
        raise UserError(f"{key} is not given: add {key}={example}, another embedded model, or a .safetensors file")
    about = read_metadata(generator, kind="generator", key=key)
    if about["kind"] != "generator":
        raise UserError(f"{key}={generator}: holds {about['kind']}, expected generator")
    if side not in about["architecture"]:
        raise UserError(f"{key}={generator}: its architecture names no {side} of images")
    return int(about["architecture"][side])


def generator_crop(generator: str | None, part: str | None) -> dict[str, Any] | None:
    """How the images of a generator are cut out of whole ones.

    `part=` says it, else the header of the generator's file, else its name where that is one of conf/parts.

    Returns:
        `part`, `flip` and `margin` of `data.crops.part_dataset`; None for a generator of whole images.
    """
    if generator is None:  # said by `generator_size`
        return None
    crop = part_crop(part) if part is not None else PartCrop.of_metadata(read_metadata(generator, key="generator"))
    if crop is None and (CONF / "parts" / f"{generator}.yaml").is_file():
        crop = part_crop(generator)
    if crop is None:
        return None
    return {"part": list(crop.parts), "flip": list(crop.mirrored), "margin": crop.margin}


ENCODER_RULES = (generator_size, generator_crop)
"""What files of conf/ may call by name."""
