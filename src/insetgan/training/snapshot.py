"""What a run leaves behind at every snapshot: a checkpoint, the networks, sample grids."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from insetgan.runtime.lightning import pl
from insetgan.runtime.training_module import TrainingModule
from insetgan.training.checkpoint import save_checkpoint
from insetgan.training.meter import NotFiniteError
from insetgan.training.options import RunOptions
from insetgan.training.samples import write_png
from insetgan.weights.store import save_network


def store(trainer: pl.Trainer, module: TrainingModule, out: Path, which: str, **metadata: Any) -> None:
    """Write <which>.ckpt and <stem>-<which>.safetensors; to be called in every process of the run.

    Args:
        trainer: of the run.
        module: whose `exports` are stored.
        out: folder of the run.
        which: "last" or "best".
        metadata: for the headers of the safetensors files.
    """
    save_checkpoint(trainer, out / f"{which}.ckpt")
    if trainer.is_global_zero:
        for stem, (network, kind) in module.exports().items():
            save_network(out / f"{stem}-{which}.safetensors", network, kind=kind, **metadata, **module.about())


def refuse_not_finite(module: TrainingModule, nimg: int) -> None:
    """Check losses and weights before they are stored.

    Raises:
        NotFiniteError: one is infinite or not a number.
    """
    module.check_losses()
    for name, tensor in module.state_dict().items():
        if not bool(torch.isfinite(tensor).all()):
            raise NotFiniteError(
                f"{name} is not finite at {nimg / 1000:.3f} kimg: "
                "lower lr, raise gamma or use trainer.precision=32-true"
            )


def write_grids(module: TrainingModule, options: RunOptions, nimg: int) -> dict[str, tuple[Path, Tensor]]:
    """Write the module's sample grids to samples/<kimg>kimg-<name>.png; returns name -> (file, uint8 [h, w, 3])."""
    written = {}
    for name, image in module.grids(options.grid).items():
        path = options.out / "samples" / f"{nimg / 1000:09.3f}kimg-{name}.png"
        write_png(path, image)
        written[name] = (path, image)
    return written
