"""How a training run is carried out, whatever it trains."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunOptions:
    """Settings of one run.

    Attributes:
        out: folder of everything the run writes.
        max_kimg: thousand images to see in all, earlier starts of the same run included.
        batch_size: images an iteration, over all processes.
        seed: of the order of the data.
        tick_kimg: thousand images between two lines of the log.
        snapshot_kimg: thousand images between two checkpoints with images.
        resume: "auto" goes on from `out`/last.ckpt if there is one, "none" starts anew, anything else is a checkpoint.
        precision: one of `precision.PRECISIONS`.
        accelerator: of Lightning's Trainer.
        devices: processes, one a device.
        cluster: what has started the processes, a key of `runtime.trainer.CLUSTERS`.
        workers: processes that decode images for each of them.
        num_threads: processor threads; None leaves torch's choice.
        fast_dev_run: one step of everything, nothing kept.
        grid: images in a sample grid.
        metadata: what the headers of the networks' files say besides, such as how the training images were cut.
    """

    out: Path
    max_kimg: float
    batch_size: int
    seed: int = 0
    tick_kimg: float = 0.5
    snapshot_kimg: float = 4.0
    resume: str = "auto"
    precision: str = "auto"
    accelerator: str = "auto"
    devices: int = 1
    cluster: str = "none"
    workers: int = 0
    num_threads: int | None = None
    fast_dev_run: bool = False
    grid: int = 32
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def last(self) -> Path:
        """The newest checkpoint of the run."""
        return self.out / "last.ckpt"
