"""One start of a training run: Trainer, order of the data, checkpoint to go on from."""

import logging
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from torch.utils.data import DataLoader

from insetgan.data.order import EndlessBatches
from insetgan.data.share import Share
from insetgan.runtime.errors import UserError
from insetgan.runtime.lightning import CPUAccelerator, Logger, pl
from insetgan.runtime.precision import precision_of
from insetgan.runtime.processes import PhaseDDP
from insetgan.runtime.signals import ignore_stop_signals
from insetgan.runtime.threads import limit_threads
from insetgan.runtime.trainer import quiet_trainer
from insetgan.runtime.training_module import TrainingModule
from insetgan.training.checkpoint import find_resume, images_seen, read_checkpoint
from insetgan.training.loop import RunLoop
from insetgan.training.meter import NotFiniteError
from insetgan.training.options import RunOptions
from insetgan.training.quality import Quality


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        kimg: thousand images seen in all.
        trained_kimg: in this start of the run.
        received: the signal that ended it early, or None.
        last_grid: the newest file with sample images.
        quality: what measured the images, with the best distance; None if nothing did.
    """

    kimg: float
    trained_kimg: float
    received: signal.Signals | None = None
    last_grid: Path | None = None
    quality: Quality | None = None


class TrainingRun:
    """Trains until `max_kimg` or until a signal; goes on where an earlier start of the run ended.

    Making one checks the checkpoint, the device and the division of the batch, and writes nothing.

    Args:
        module: what is trained.
        dataset: training images, with a length; items as `training_step` wants them, batched by torch's default rule.
        options: of the run.
        validation: images for `validation_step`, run at every snapshot.
        quality: measures generated images; None for nothing.
        console: where to write.

    Attributes:
        done_kimg: thousand images seen in earlier starts of the run.

    Raises:
        UserError: the checkpoint to go on from or the device does not fit, or the batch cannot be divided.
    """

    def __init__(
        self,
        module: TrainingModule,
        dataset: Any,
        options: RunOptions,
        *,
        validation: Any = None,
        quality: Quality | None = None,
        console: Console | None = None,
    ) -> None:
        limit_threads(options.num_threads)
        self.module, self.options, self.validation, self.quality = module, options, validation, quality
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.resume = find_resume(options, module)
        self.done_kimg = 0.0 if self.resume is None else images_seen(self.resume) / 1000
        self.loop = RunLoop(options, quality, self.console)
        try:
            self.trainer = _trainer(options, self.loop, validates=validation is not None, manual=module.manual_ddp)
            self.batches = _endless(self.trainer, module, dataset, options)
        except ValueError as error:
            raise UserError(str(error)) from error

    @property
    def finished(self) -> bool:
        """Whether earlier starts of the run have seen `max_kimg` already."""
        return self.resume is not None and self.done_kimg >= self.options.max_kimg

    def fit(self, loggers: Sequence[Logger] = ()) -> Outcome:
        """Train.

        Args:
            loggers: get the scalars of every tick, and the sample grids.

        Raises:
            UserError: a loss became infinite, or a training image cannot be read.
        """
        if self.finished:
            return Outcome(self.done_kimg, 0.0, quality=self._recalled_quality())
        self.loop.loggers = loggers
        if self.resume is not None:
            self.console.print(f"going on from {self.resume} at {self.done_kimg:g} kimg", markup=False)
        held_out = None if self.validation is None else DataLoader(self.validation, batch_size=self.options.batch_size)
        with warnings.catch_warnings(), self._explained():
            warnings.filterwarnings("ignore", ".*does not have many workers.*")
            warnings.filterwarnings(
                "ignore", ".*DataLoader will create .* worker processes.*"
            )  # as many as were asked for
            warnings.filterwarnings("ignore", ".*module\\(s\\) in eval mode.*")  # G_ema is meant to be
            warnings.filterwarnings("ignore", ".*(isinstance|LeafSpec|treespec).*")
            self.trainer.fit(self.module, self.batches, held_out, ckpt_path=self.resume, weights_only=True)
        loop = self.loop
        trained = (loop.nimg - loop.start_nimg) / 1000
        return Outcome(loop.nimg / 1000, trained, loop.received, loop.last_grid, self.quality)

    def _recalled_quality(self) -> Quality | None:
        """The measurements of a run that was finished before."""
        if self.quality is not None and self.resume is not None:
            state = read_checkpoint(self.resume).get("callbacks", {}).get(self.loop.state_key)
            if state:
                self.quality.load_state_dict(state)
        return self.quality

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Add the last good checkpoint to an error of losses, and take a worker's traceback off an error of images."""
        try:
            yield
        except NotFiniteError as error:
            good = self.options.last if self.loop.saved else self.resume
            found = (
                "there is no checkpoint yet"
                if good is None
                else f"the last good checkpoint is {good} at {images_seen(good) / 1000:g} kimg"
            )
            raise NotFiniteError(f"{error}; {found}") from error
        except UserError as error:
            caught, _, said = str(error).strip().rpartition("UserError: ")  # how a worker's error arrives
            raise UserError(said if caught else str(error)) from error


def _endless(trainer: pl.Trainer, module: TrainingModule, dataset: Any, options: RunOptions) -> DataLoader[Any]:
    """Batches without end, in their order, from where the module's count stands once a checkpoint is restored."""
    processes = trainer.world_size
    share = Share(options.batch_size, processes, trainer.global_rank, module.group_size(processes))
    groups = getattr(dataset, "groups", None)
    order = EndlessBatches(
        len(dataset), seed=options.seed, share=share, position=lambda: int(module.cur_nimg), groups=groups
    )
    return DataLoader(
        dataset,
        batch_sampler=order,
        num_workers=options.workers,
        persistent_workers=options.workers > 0,
        # The process that trains decides when a worker ends; a terminal and a cluster signal all of them.
        worker_init_fn=_ignore_signals,
        pin_memory=not isinstance(trainer.accelerator, CPUAccelerator),
    )


def _ignore_signals(_: int) -> None:
    ignore_stop_signals()


def _trainer(options: RunOptions, loop: RunLoop, *, validates: bool, manual: bool) -> pl.Trainer:
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)  # its remarks on devices and epochs mean nothing here
    every = max(1, round(options.snapshot_kimg * 1000 / options.batch_size))
    return quiet_trainer(
        accelerator=options.accelerator,
        devices=options.devices,
        cluster=options.cluster,
        strategy=(PhaseDDP() if manual else "ddp") if options.devices > 1 else "auto",
        fast_dev_run=options.fast_dev_run,
        max_epochs=None if options.fast_dev_run else -1,
        callbacks=[loop],
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        val_check_interval=every if validates else None,
        check_val_every_n_epoch=None if validates else 1,
        default_root_dir=options.out,
        **precision_of(options.precision, options.accelerator),
    )
