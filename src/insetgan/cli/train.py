"""`python train.py`: train what `+model=` names."""

import math
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import MISSING, DictConfig

from insetgan.cli.app import entry
from insetgan.errors import UserError

if TYPE_CHECKING:
    from insetgan.training.options import RunOptions


_MOST_IN_GRID = 1024


@dataclass
class DataConfig:
    """The pictures.

    Attributes:
        path: archive or folder; unless given, the rendered people that come with the package.
        height: of the pictures that are trained on; 4 times a power of two.
        width: likewise.
        mirror: flip pictures left to right half of the time.
    """

    path: str | None = None
    height: int = 256
    width: int = 128
    mirror: bool = True


@dataclass
class TrainerConfig:
    """How the run is carried out.

    Attributes:
        max_kimg: thousand images to see in all.
        precision: of Lightning's Trainer; auto takes bf16-mixed where the device is fast in it.
        accelerator: of Lightning's Trainer.
        devices: one for now.
        num_threads: processor threads; torch's choice unless given.
        fast_dev_run: one step of everything, nothing kept.
    """

    max_kimg: float = 200.0
    precision: str = "auto"
    accelerator: str = "auto"
    devices: int = 1
    num_threads: int | None = None
    fast_dev_run: bool = False


@dataclass
class TrainConfig:
    """Keys of train.py.

    Attributes:
        model: what is trained, a choice of conf/model.
        recipe: discriminator and regularisation of a GAN, a choice of conf/recipe.
        logger: where scalars go beside metrics.csv, a choice of conf/logger.
        batch_size: images an iteration.
        lr: learning rate.
        gamma: weight of R1; unless given 0.0002 * height * width / batch_size.
        tick_kimg: thousand images between two lines of the log.
        snapshot_kimg: thousand images between two checkpoints with sample grids.
        grid: pictures in a sample grid.
        seed: of everything random.
        resume: auto goes on from last.ckpt in `out`, none starts anew, else a checkpoint.
        init: weights to start from where they fit: last.ckpt of another run, or a generator's safetensors.
        out: folder of the run; outputs/train/<model> unless given.
    """

    model: Any = MISSING
    recipe: Any = None
    data: DataConfig = field(default_factory=DataConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    logger: dict[str, Any] = field(default_factory=dict)
    batch_size: int = 8
    lr: float = 0.002
    gamma: float | None = None
    tick_kimg: float = 0.5
    snapshot_kimg: float = 4.0
    grid: int = 32
    seed: int = 0
    resume: str = "auto"
    init: str | None = None
    out: str | None = None


def run(config: DictConfig) -> None:
    """Train as configured, and say what there is to see."""
    from insetgan.torchvision_guard import guard

    guard()
    import torch

    from insetgan.cli.build import instantiate
    from insetgan.cli.terminal import PatientConsole
    from insetgan.training.run import train

    _check(config)
    options = _options(config)
    console = PatientConsole()
    torch.manual_seed(config.seed)
    dataset = instantiate(config.model.dataset)
    validation = instantiate(config.model.validation) if config.model.get("validation") else None
    module = instantiate(config.model.module)
    _start(config, options, module, console)

    def prepare() -> list[Any]:
        if options.fast_dev_run:
            return []
        _prepare_folder(config, options, dataset)
        return _loggers(config, options)

    console.print(_headline(config, module, dataset), markup=False)
    outcome = train(
        module,
        dataset,
        options,
        validation=validation,
        prepare=prepare,
        z_dim=config.model.get("z_dim"),
        console=console,
    )
    _report(console, options, outcome)


def main() -> None:
    """Entry point of train.py."""
    entry(run, "train", TrainConfig)


def _start(config: DictConfig, options: "RunOptions", module: Any, console: Any) -> None:
    """Take over weights, unless the run goes on where an earlier start of it left off."""
    if config.init is None or (options.resume == "auto" and options.last.is_file()):
        return
    from insetgan.training.transfer import start_from

    for transfer in start_from(module, Path(config.init)):
        console.print(str(transfer), markup=False)


def _check(config: DictConfig) -> None:
    if not isinstance(config.model, DictConfig):
        raise UserError(f"model={config.model}: choose one of conf/model, as in +model=body")
    for name in ("module", "dataset"):
        if not isinstance(config.model.get(name), DictConfig):
            raise UserError(f"model.{name}: must say what to build, as in conf/model/body.yaml")
    _check_numbers(config)
    allowed = ("auto", "32-true", "bf16-mixed")
    if config.trainer.precision not in allowed:
        raise UserError(f"trainer.precision={config.trainer.precision}: must be one of {', '.join(allowed)}")


def _check_numbers(config: DictConfig) -> None:
    trainer = config.trainer
    positive = {
        "batch_size": config.batch_size,
        "trainer.max_kimg": trainer.max_kimg,
        "trainer.devices": trainer.devices,
        "trainer.num_threads": 1 if trainer.num_threads is None else trainer.num_threads,
        "tick_kimg": config.tick_kimg,
        "snapshot_kimg": config.snapshot_kimg,
        "grid": config.grid,
        "lr": config.lr,
    }
    for name, value in positive.items():
        if not 0 < value < math.inf:
            raise UserError(f"{name}={value}: must be above 0" + ("" if math.isfinite(value) else ", and finite"))
    for name in ("height", "width"):
        if config.data[name] < 4:
            raise UserError(f"data.{name}={config.data[name]}: must be 4 or more")
    if not 0 <= config.seed < 2**32:
        raise UserError(f"seed={config.seed}: must be from 0 to {2**32 - 1}")
    if config.gamma is not None and not 0 <= config.gamma < math.inf:
        raise UserError(f"gamma={config.gamma}: must be a number of 0 or more")
    if trainer.devices != 1:
        raise UserError(f"trainer.devices={trainer.devices}: training takes one device for now")
    if config.grid > _MOST_IN_GRID:
        raise UserError(f"grid={config.grid}: must be {_MOST_IN_GRID} or less")


def _options(config: DictConfig) -> "RunOptions":
    from insetgan.training.options import RunOptions

    trainer = config.trainer
    return RunOptions(
        out=_folder(config),
        max_kimg=trainer.max_kimg,
        batch_size=config.batch_size,
        seed=config.seed,
        tick_kimg=config.tick_kimg,
        snapshot_kimg=config.snapshot_kimg,
        resume=config.resume,
        precision=trainer.precision,
        accelerator=trainer.accelerator,
        devices=trainer.devices,
        num_threads=trainer.num_threads,
        fast_dev_run=trainer.fast_dev_run,
        grid=config.grid,
    )


def _folder(config: DictConfig) -> Path:
    """The folder of the run; each run of a sweep has its own."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    if config.out is not None:
        return Path(config.out)
    if HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN:
        return Path(HydraConfig.get().runtime.output_dir)
    return Path("outputs/train") / str(config.model.name)


def _prepare_folder(config: DictConfig, options: "RunOptions", dataset: Any) -> None:
    from omegaconf import OmegaConf
    from torch import Tensor

    from insetgan.files import write_whole
    from insetgan.training.samples import real_grid, write_png

    text = OmegaConf.to_yaml(config, resolve=True)
    write_whole(options.out / "config.yaml", lambda beside: beside.write_text(text))
    if isinstance(dataset[0], Tensor):
        write_png(options.out / "samples" / "real.png", real_grid(dataset, len(dataset), options.grid))


def _loggers(config: DictConfig, options: "RunOptions") -> list[Any]:
    from omegaconf import OmegaConf

    from insetgan.training.metrics_log import MetricsCSV

    loggers: list[Any] = [MetricsCSV(options.out)]
    for node in config.logger.values():
        loggers.append(_logger(node, options, OmegaConf.to_container(config, resolve=True)))
    return loggers


def _logger(node: Any, options: "RunOptions", settings: Any) -> Any:
    from insetgan.cli.build import instantiate

    logger = instantiate(node, save_dir=str(options.out))
    try:
        logger.log_hyperparams(settings)
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "wandb":
            raise
        reason = str(error).splitlines()[0]
        raise UserError(f"logger=wandb: {reason}; WANDB_MODE=offline needs no account") from error
    return logger


def _headline(config: DictConfig, module: Any, dataset: Any) -> str:
    sizes = ", ".join(
        f"{name} {sum(p.numel() for p in network.parameters()) / 1e6:.2f} M"
        for name, network in module.named_children()
        if any(True for _ in network.parameters())
    )
    return f"training {config.model.name}: {len(dataset)} pictures {config.data.height} x {config.data.width}; {sizes}"


def _report(console: Any, options: "RunOptions", outcome: Any) -> None:
    if options.fast_dev_run:
        console.print("fast_dev_run: one step of every phase went well; nothing was kept")
        return
    if outcome.received is not None:
        name = outcome.received.name
        command = "the same command" if options.resume == "auto" else "the same command with resume=auto"
        console.print(f"stopped by {name} at {outcome.kimg:g} kimg; {command} goes on from there", markup=False)
        raise SystemExit(130 if outcome.received == signal.SIGINT else 143)
    if outcome.trained_kimg == 0:
        console.print(f"already trained to {outcome.kimg:g} kimg: raise trainer.max_kimg to go on, or resume=none")
    console.print(f"checkpoint  {options.last}", markup=False)
    if outcome.last_grid is not None:
        console.print(f"samples     {outcome.last_grid}", markup=False)
