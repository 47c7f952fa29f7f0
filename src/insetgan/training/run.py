"""One training run, whatever it trains: Trainer, data order, checkpoints, ticks."""

import logging
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch.utils.data import DataLoader

from insetgan.data.order import EndlessBatches
from insetgan.data.share import Share
from insetgan.runtime.errors import UserError
from insetgan.runtime.lightning import CPUAccelerator, Logger, pl
from insetgan.runtime.precision import precision_of
from insetgan.runtime.processes import PhaseDDP
from insetgan.runtime.tensors import read_checkpoint_file
from insetgan.runtime.trainer import quiet_trainer
from insetgan.training.checkpoint import find_resume
from insetgan.training.clock import Clock
from insetgan.training.gan_module import GANModule
from insetgan.training.meter import NotFiniteError
from insetgan.training.options import RunOptions
from insetgan.training.progress import Ticks
from insetgan.training.quality import Quality
from insetgan.training.snapshot import Snapshots


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        kimg: thousand images seen in all.
        trained_kimg: in this start of the run.
        received: the signal that ended it early, or None.
        last_grid: the newest picture of samples.
        quality: what measured the pictures, with the best distance; None if nothing did.
    """

    kimg: float
    trained_kimg: float
    received: signal.Signals | None = None
    last_grid: Path | None = None
    quality: Quality | None = None


def train(
    module: pl.LightningModule,
    dataset: Any,
    options: RunOptions,
    *,
    validation: Any = None,
    prepare: Callable[[], Sequence[Logger]] | None = None,
    z_dim: int | None = None,
    measure: Callable[[Clock], Quality] | None = None,
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
        measure: makes the callback that measures pictures.
        console: where to write.

    Raises:
        UserError: the checkpoint to go on from or the device does not fit, or a loss became infinite.
    """
    if options.num_threads:
        torch.set_num_threads(options.num_threads)
    console = console or Console(highlight=False, soft_wrap=True)
    resume = find_resume(options, module)
    clock = Clock(options)
    quality = None if measure is None else measure(clock)
    snapshots = Snapshots(options, clock, z_dim, quality)
    ticks = Ticks(options, clock, snapshots, quality, console=console)
    if resume is not None:
        done = _seen(resume)
        if done >= options.max_kimg:
            return Outcome(done, 0.0)
    # Ticks before snapshots: rows of steps that a kill undoes are dropped on resuming, and no row is missing.
    callbacks: list[pl.Callback] = [clock, *([quality] if quality is not None else []), ticks, snapshots]
    phases = isinstance(module, GANModule)
    try:
        trainer = _trainer(options, callbacks, validates=validation is not None, phases=phases)
        batches = _endless(trainer, module, dataset, options)
    except ValueError as error:
        raise UserError(str(error)) from error
    if prepare is not None:
        ticks.loggers = prepare()
    if resume is not None:
        console.print(f"going on from {resume} at {_seen(resume):g} kimg", markup=False)
    with warnings.catch_warnings(), _plainly_said(options, snapshots, resume):
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        warnings.filterwarnings("ignore", ".*module\\(s\\) in eval mode.*")  # G_ema is meant to be
        warnings.filterwarnings("ignore", ".*(isinstance|LeafSpec|treespec).*")
        held_out = None if validation is None else DataLoader(validation, batch_size=options.batch_size)
        trainer.fit(module, batches, held_out, ckpt_path=resume, weights_only=True)
    trained = (clock.nimg - clock.start_nimg) / 1000
    return Outcome(clock.nimg / 1000, trained, clock.received, snapshots.last_grid, quality)


@contextmanager
def _plainly_said(options: RunOptions, snapshots: Snapshots, resume: Path | None) -> Iterator[None]:
    """Say what became of the run when it ended with an error of the user's settings or pictures."""
    try:
        yield
    except NotFiniteError as error:
        good = options.last if snapshots.stored else resume
        found = (
            "there is no checkpoint yet"
            if good is None
            else f"the last good checkpoint is {good} at {_seen(good):g} kimg"
        )
        raise NotFiniteError(f"{error}; {found}") from error
    except UserError as error:
        caught, _, said = str(error).strip().rpartition("UserError: ")  # how a worker's error arrives
        raise UserError(said if caught else str(error)) from error


def _endless(trainer: pl.Trainer, module: pl.LightningModule, dataset: Any, options: RunOptions) -> DataLoader[Any]:
    """Batches without end, in their order, from where the module's clock stands once a checkpoint is restored."""
    rank, processes = trainer.global_rank, trainer.world_size
    if isinstance(module, GANModule):
        share = module.share(rank, processes)
    else:
        share = Share(options.batch_size, processes, rank)
    order = EndlessBatches(len(dataset), seed=options.seed, share=share, position=lambda: int(module.cur_nimg))  # type: ignore[arg-type]
    return DataLoader(
        dataset,
        batch_sampler=order,
        num_workers=options.workers,
        persistent_workers=options.workers > 0,
        worker_init_fn=_ignore_signals,
        pin_memory=not isinstance(trainer.accelerator, CPUAccelerator),
    )


def _ignore_signals(_: int) -> None:
    """Let the process that trains decide when a worker ends; a terminal and a cluster signal all of them."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _trainer(options: RunOptions, callbacks: list[pl.Callback], *, validates: bool, phases: bool) -> pl.Trainer:
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)  # its remarks on devices and epochs mean nothing here
    every = max(1, round(options.snapshot_kimg * 1000 / options.batch_size))
    return quiet_trainer(
        accelerator=options.accelerator,
        devices=options.devices,
        strategy=(PhaseDDP() if phases else "ddp") if options.devices > 1 else "auto",
        fast_dev_run=options.fast_dev_run,
        max_epochs=None if options.fast_dev_run else -1,
        callbacks=callbacks,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        val_check_interval=every if validates else None,
        check_val_every_n_epoch=None if validates else 1,
        default_root_dir=options.out,
        **precision_of(options.precision, options.accelerator),
    )


def _seen(checkpoint: Path) -> float:
    content = read_checkpoint_file(checkpoint, mapped=True)
    return int(content["state_dict"]["cur_nimg"]) / 1000
