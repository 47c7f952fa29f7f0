"""Keys of train.py, and what values they may have."""

import math
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf

from insetgan.cli.app import ROOT
from insetgan.runtime.errors import UserError

_MOST_IN_GRID = 1024


@dataclass
class DataConfig:
    """The pictures.

    Attributes:
        path: archive or folder; unless given, the rendered people that come with the package.
        height: of the pictures that are trained on; with the width two numbers from 3 up times one power of two.
        width: likewise.
        mirror: flip pictures left to right half of the time.
        labels: train conditional networks on the labels of dataset.json.
        c_dim: number of label values; found in dataset.json.
        check: look at every picture before training starts; the verdict is remembered.
        on_fault: what to do about pictures that cannot be used, stop or skip.
        workers: processes that decode pictures for each device; as many as make sense unless given.
        crop: what is done with pictures of another ratio: none (refused), center (cut to their middle) or fit (padded with
            the background).
        grey: what is done with greyscale pictures, refuse or rgb.
        background: colour behind transparent pictures and of padding: a name such as white, '#rrggbb' or [red, green, blue].
    """

    path: str | None = None
    height: int = 256
    width: int = 128
    mirror: bool = True
    labels: bool = False
    c_dim: int = 0
    check: bool = True
    on_fault: str = "stop"
    workers: int | None = None
    crop: str = "none"
    grey: str = "refuse"
    background: Any = "white"


@dataclass
class TrainerConfig:
    """How the run is carried out.

    Attributes:
        max_kimg: thousand images to see in all.
        precision: auto (bf16-mixed where the device is fast in it), 32-true, bf16-mixed or 16-mixed.
        accelerator: of Lightning's Trainer.
        devices: how many; each takes its share of a batch.
        num_threads: processor threads of each process; torch's choice unless given.
        fast_dev_run: one step of everything, nothing kept.
    """

    max_kimg: float = 200.0
    precision: str = "auto"
    accelerator: str = "auto"
    devices: int = 1
    num_threads: int | None = None
    fast_dev_run: bool = False


@dataclass
class QualityConfig:
    """How pictures are measured against the data set's while training, by what the group `features` sees in them.

    Attributes:
        every_kimg: thousand images between two measurements, which are taken at snapshots.
        num: generated pictures.
        num_real: at most so many real ones.
    """

    every_kimg: float = 20.0
    num: int = 1000
    num_real: int = 5000


@dataclass
class TrainConfig:
    """Keys of train.py.

    Attributes:
        model: what is trained, a choice of conf/model.
        recipe: networks, losses and their settings of a GAN, a choice of conf/recipe.
        features: network by whose eyes pictures are measured, a choice of conf/features.
        quality: when and how that is done.
        logger: where scalars go beside metrics.csv, a choice of conf/logger.
        batch_size: images an iteration, over all devices.
        batch_gpu: images that a device computes at once; the others follow in further rounds.
        lr: learning rate.
        gamma: weight of R1; unless given 0.0002 * height * width / batch_size.
        tick_kimg: thousand images between two lines of the log.
        snapshot_kimg: thousand images between two checkpoints with sample grids.
        grid: pictures in a sample grid.
        seed: of everything random.
        resume: auto goes on from last.ckpt in `out`, none starts anew, else a checkpoint.
        init: weights to start from: last.ckpt of another run, a network's safetensors, or an embedded model by name.
        init_strict: refuse weights of which not everything fits.
        out: folder of the run; outputs/train/<model> unless given.
        plugins: packages of your own, from the command line only; see docs/extending.md.
    """

    model: Any = MISSING
    recipe: Any = None
    features: Any = None
    quality: QualityConfig = field(default_factory=QualityConfig)
    data: DataConfig = field(default_factory=DataConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    logger: dict[str, Any] = field(default_factory=dict)
    batch_size: int = 8
    batch_gpu: int | None = None
    lr: float = 0.002
    gamma: float | None = None
    tick_kimg: float = 0.5
    snapshot_kimg: float = 4.0
    grid: int = 32
    seed: int = 0
    resume: str = "auto"
    init: str | None = None
    init_strict: bool = True
    out: str | None = None
    plugins: Any = None


def check(config: DictConfig) -> None:
    """Refuse values that no run could have.

    Raises:
        UserError: naming the key, the value and what is allowed.
    """
    from insetgan.runtime.precision import PRECISIONS

    if not isinstance(config.model, DictConfig):
        raise UserError(f"model={config.model}: choose one of conf/model, as in +model=body")
    for name in ("module", "dataset"):
        if not isinstance(config.model.get(name), DictConfig):
            raise UserError(f"model.{name}: must say what to build, as in conf/model/body.yaml")
    _check_numbers(config)
    _check_recipe(config)
    if config.trainer.precision not in PRECISIONS:
        raise UserError(f"trainer.precision={config.trainer.precision}: must be one of {', '.join(PRECISIONS)}")


def _check_numbers(config: DictConfig) -> None:
    trainer = config.trainer
    positive = {
        "trainer.devices": trainer.devices,
        "trainer.max_kimg": trainer.max_kimg,
        "trainer.num_threads": trainer.num_threads,
        "batch_size": config.batch_size,
        "batch_gpu": config.batch_gpu,
        "tick_kimg": config.tick_kimg,
        "snapshot_kimg": config.snapshot_kimg,
        "quality.every_kimg": config.quality.every_kimg,
        "grid": config.grid,
        "lr": config.lr,
    }
    for name, value in positive.items():
        if value is not None and not 0 < value < math.inf:
            raise UserError(f"{name}={value}: must be above 0" + ("" if math.isfinite(value) else ", and finite"))
    ranges = {
        "data.height": (4, math.inf),
        "data.width": (4, math.inf),
        "data.workers": (0, math.inf),
        "quality.num": (2, math.inf),
        "quality.num_real": (2, math.inf),
        "seed": (0, 2**32 - 1),
        "grid": (1, _MOST_IN_GRID),
    }
    for name, (least, most) in ranges.items():
        value = OmegaConf.select(config, name)
        if value is not None and not least <= value <= most:
            allowed = f"{least} or more" if most == math.inf else f"from {least} to {most}"
            raise UserError(f"{name}={value}: must be {allowed}")
    if config.gamma is not None and not 0 <= config.gamma < math.inf:
        raise UserError(f"gamma={config.gamma}: must be a number of 0 or more")


def _check_recipe(config: DictConfig) -> None:
    """Refuse settings that were added with + to a recipe, which Hydra lets pass."""
    if not isinstance(config.recipe, DictConfig):
        return
    every = {str(name) for name in OmegaConf.load(ROOT / "conf" / "recipe" / "auto.yaml")} - {"defaults"} | {
        "discriminator"
    }
    for name in map(str, config.recipe):
        if name not in every:
            raise UserError(f"recipe.{name}: no such setting (allowed: {', '.join(sorted(every))})")
