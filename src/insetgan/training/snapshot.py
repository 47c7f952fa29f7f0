"""What a run leaves behind at every snapshot: a checkpoint, the networks, sample grids."""

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from insetgan.runtime.lightning import Callback, pl
from insetgan.training.checkpoint import save_checkpoint
from insetgan.training.clock import Clock
from insetgan.training.meter import NotFiniteError
from insetgan.training.options import RunOptions
from insetgan.training.quality import Quality
from insetgan.training.samples import Samples, sample_grids, write_png
from insetgan.weights.store import save_network


@runtime_checkable
class Exports(Protocol):
    """A training module whose networks are wanted by themselves."""

    def exports(self) -> dict[str, tuple[nn.Module, str]]:
        """File stem -> (network with an `architecture`, kind for `weights.store.save_network`)."""
        ...


@runtime_checkable
class ChecksLosses(Protocol):
    """A training module that notes losses which are not finite, and raises only when asked."""

    def check_losses(self) -> None:
        """Raise `meter.NotFiniteError` if a loss was not finite."""
        ...


class Snapshots(Callback):
    """Writes last.ckpt, <stem>-last.safetensors and samples/*.png every `snapshot_kimg` and at the end.

    When the pictures were better than ever, best.ckpt and <stem>-best.safetensors as well.

    Args:
        options: of the run.
        clock: of the run.
        z_dim: of the latents for sample grids; None for a module that shows none.
        quality: what measures the pictures, if anything does.
    """

    def __init__(
        self, options: RunOptions, clock: Clock, z_dim: int | None = None, quality: Quality | None = None
    ) -> None:
        self.options, self.clock, self.z_dim, self.quality = options, clock, z_dim, quality
        self.last_grid: Path | None = None
        self.stored = False  # whether this start of the run has written a checkpoint
        self.grids: dict[str, Tensor] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show where the run starts."""
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            self._show(trainer, pl_module)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Write when it is time, but never over a good checkpoint with weights that are not finite."""
        if trainer.fast_dev_run or not (self.clock.finished or self.clock.passed(self.options.snapshot_kimg)):  # type: ignore[attr-defined]
            return
        self._verify(pl_module)
        if self.quality is not None and self.quality.improved:
            # Before last.ckpt, which remembers this best: killed in between, the run measures again and writes it again.
            self._store(trainer, pl_module, "best", self.quality.measured)
        self._store(trainer, pl_module, "last", {})
        self.stored = True
        self._show(trainer, pl_module)

    def _store(self, trainer: pl.Trainer, module: pl.LightningModule, which: str, measured: dict[str, float]) -> None:
        save_checkpoint(trainer, self.options.out / f"{which}.ckpt")
        if trainer.is_global_zero and isinstance(module, Exports):
            for stem, (network, kind) in module.exports().items():
                path = self.options.out / f"{stem}-{which}.safetensors"
                metadata: dict[str, Any] = {"kimg": self.clock.nimg / 1000, **measured}
                save_network(path, network, kind=kind, **metadata)

    def _verify(self, module: pl.LightningModule) -> None:
        if isinstance(module, ChecksLosses):
            module.check_losses()
        for name, tensor in module.state_dict().items():
            if not bool(torch.isfinite(tensor).all()):
                raise NotFiniteError(
                    f"{name} is not finite at {self.clock.nimg / 1000:.3f} kimg: "
                    "lower lr, raise gamma or use trainer.precision=32-true"
                )

    def _show(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if self.z_dim is None or not trainer.is_global_zero or not isinstance(module, Samples):
            return
        self.grids = sample_grids(module, self.z_dim, self.options.grid)
        for name, picture in self.grids.items():
            self.last_grid = self.options.out / "samples" / f"{self.clock.nimg / 1000:09.3f}kimg-{name}.png"
            write_png(self.last_grid, picture)
