"""One training run, whatever it trains: Trainer, data order, checkpoints, ticks."""

import logging
import signal
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from rich.console import Console
from torch.utils.data import DataLoader

from insetgan.data.order import EndlessBatches
from insetgan.training.checkpoint import find_resume
from insetgan.training.clock import Clock
from insetgan.training.options import RunOptions
from insetgan.training.progress import Ticks
from insetgan.training.snapshot import Snapshots
from insetgan.training.trainer import quiet_trainer


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        kimg: thousand images seen in all.
        trained_kimg: in this start of the run.
        received: the signal that ended it early, or None.
        last_grid: the newest picture of samples.
    """

    kimg: float
    trained_kimg: float
    received: signal.Signals | None = None
    last_grid: Path | None = None


def train(
    module: pl.LightningModule,
    dataset: Any,
    options: RunOptions,
    *,
    validation: Any = None,
    prepare: Callable[[], Sequence[Logger]] | None = None,
    z_dim: int | None = None,
    console: Console | None = None,
) -> Outcome:
    """Train until `max_kimg`, or until a signal; go on where an earlier start of the run left off.

    Args:
        module: with a buffer `cur_nimg` that its `training_step` advances by the batch size. It may have
            `tick_scalars()`, `exports()` and `sample()` (see `progress.TickScalars`, `snapshot.Exports`,
            `samples.Samples`); otherwise what it logs with `self.log` is shown.
        dataset: training pictures, with a length; items as `training_step` wants them, batched by torch's default rule.
        options: of the run.
        validation: pictures for `validation_step`, run at every snapshot.
        prepare: called once it is sure that the run goes on, before anything is written: makes the folder ready and
            returns what gets the scalars of every tick.
        z_dim: of the latents that `sample` takes.
        console: where to write.

    Raises:
        UserError: the checkpoint to go on from or the device does not fit, or a loss became infinite.
    """
    if options.num_threads:
        torch.set_num_threads(options.num_threads)
    console = console or Console(highlight=False, soft_wrap=True)
    resume = find_resume(options, module)
    clock = Clock(options)
    snapshots = Snapshots(options, clock, z_dim)
    ticks = Ticks(options, clock, snapshots, console=console)
    if resume is not None:
        done = _seen(resume)
        if done >= options.max_kimg:
            return Outcome(done, 0.0)
    trainer = _trainer(options, [clock, snapshots, ticks], validates=validation is not None)
    if prepare is not None:
        ticks.loggers = prepare()
    if resume is not None:
        console.print(f"going on from {resume} at {_seen(resume):g} kimg", markup=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        warnings.filterwarnings("ignore", ".*module\\(s\\) in eval mode.*")  # G_ema is meant to be
        warnings.filterwarnings("ignore", ".*(isinstance|LeafSpec|treespec).*")
        held_out = None if validation is None else DataLoader(validation, batch_size=options.batch_size)
        trainer.fit(module, _endless(trainer, module, dataset, options), held_out, ckpt_path=resume, weights_only=True)
    return Outcome(clock.nimg / 1000, (clock.nimg - clock.start_nimg) / 1000, clock.received, snapshots.last_grid)


def pick_precision(precision: str, accelerator: str) -> str:
    """Resolve "auto": bf16-mixed where the device computes in it at full speed, else 32-true."""
    if precision != "auto":
        return precision
    if torch.cuda.is_available() and accelerator in ("auto", "gpu", "cuda"):
        fast = torch.cuda.is_bf16_supported()
    else:
        probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        fast = bool(probe and probe())
    return "bf16-mixed" if fast else "32-true"


def _endless(trainer: pl.Trainer, module: pl.LightningModule, dataset: Any, options: RunOptions) -> DataLoader[Any]:
    """Batches without end, in their order, from where the module's clock stands once a checkpoint is restored."""
    order = EndlessBatches(
        len(dataset),
        options.batch_size,
        seed=options.seed,
        position=lambda: int(module.cur_nimg),  # type: ignore[arg-type]
        rank=trainer.global_rank,
        world_size=trainer.world_size,
    )
    return DataLoader(dataset, batch_sampler=order)


def _trainer(options: RunOptions, callbacks: list[pl.Callback], *, validates: bool) -> pl.Trainer:
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)  # its remarks on devices and epochs mean nothing here
    every = max(1, round(options.snapshot_kimg * 1000 / options.batch_size))
    precision: Any = pick_precision(options.precision, options.accelerator)
    return quiet_trainer(
        accelerator=options.accelerator,
        devices=options.devices,
        precision=precision,
        fast_dev_run=options.fast_dev_run,
        max_epochs=None if options.fast_dev_run else -1,
        callbacks=callbacks,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        val_check_interval=every if validates else None,
        check_val_every_n_epoch=None if validates else 1,
        default_root_dir=options.out,
    )


def _seen(checkpoint: Path) -> float:
    content = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    return int(content["state_dict"]["cur_nimg"]) / 1000
