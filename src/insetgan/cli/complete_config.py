"""Keys of complete.py, and what values they may have."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import DictConfig

from insetgan.runtime.errors import UserError


@dataclass
class PicturesConfig:
    """What is completed.

    Attributes:
        path: folder or zip of pictures; unless given, the rendered people that come with the package.
        last: so many pictures from the end; all unless given, of the package's people the 16 last, which no training saw.
        part: round which holes are cut, by the boxes of parts.json or, without, by those of the detector.
        masks: folder or zip with a mask for each picture, of the same name up to the ending; for hole=masks.
        on_fault: what to do about pictures that cannot be used, stop or skip.
        score: of the detector, below which a picture counts as one without the part.
        crop: what is done with pictures of another ratio: none (refused), center (cut to their middle) or fit (padded).
        grey: what is done with greyscale pictures, refuse or rgb.
        background: colour behind transparent pictures and of padding: a name such as white, '#rrggbb' or [red, green, blue].
    """

    path: str | None = None
    last: int | None = None
    part: str = "face"
    masks: str | None = None
    on_fault: str = "stop"
    score: float = 0.3
    crop: str = "none"
    grey: str = "refuse"
    background: Any = "white"


@dataclass
class CompleteConfig:
    """Keys of complete.py.

    Attributes:
        weights: a CoModGAN's safetensors file, or an embedded one by name.
        hole: what is filled: face (a square round it), surroundings (all but that), body (a rectangle below it), free
            (rectangles and strokes), or masks (where they are black).
        data: the pictures.
        seeds: of the completions, as 0-3; each picture is completed with each.
        trunc: psi; 1 = off.
        detector: what finds parts where there is no parts.json, a choice of conf/detector.
        device: auto, cpu or cuda.
        out: folder of the run; outputs/complete/<hole>-<digest of the settings> unless given.
        overwrite: whether the completions at `out` are made again, of these settings or of others.
        plugins: packages of your own, from the command line only; see docs/extending.md.
    """

    weights: str = "comodgan"
    hole: str = "surroundings"
    data: PicturesConfig = field(default_factory=PicturesConfig)
    seeds: Any = 0
    trunc: float = 1.0
    detector: Any = None
    device: str = "auto"
    out: str | None = None
    overwrite: bool = False
    plugins: Any = None


def check(config: DictConfig) -> list[int]:
    """Refuse values that no run could have, and read the seeds.

    Raises:
        UserError: naming the key, the value and what is allowed.
    """
    from insetgan.cli.seeds import parse_seeds
    from insetgan.completion.holes import KINDS

    allowed = (*KINDS, "masks")
    if config.hole not in allowed:
        raise UserError(f"hole={config.hole}: must be one of {', '.join(allowed)}")
    if (config.hole == "masks") != (config.data.masks is not None):
        raise UserError(
            f"hole={config.hole} data.masks={config.data.masks}: masks belong to hole=masks, and it needs them"
        )
    if not 0 <= config.trunc <= 2:
        raise UserError(f"trunc={config.trunc}: must be from 0 to 2")
    if config.data.last is not None and config.data.last < 1:
        raise UserError(f"data.last={config.data.last}: must be 1 or more")
    if config.device not in ("auto", "cpu", "cuda"):
        raise UserError(f"device={config.device}: must be one of auto, cpu, cuda")
    return parse_seeds(config.seeds)
