"""How a training run is carried out, whatever it trains."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from insetgan.runtime.settings import settings

Kimg = Annotated[float, Field(gt=0, le=1e9)]
"""Thousands of images."""
Count = Annotated[int, Field(ge=1, le=1_000_000)]


@settings
class RunOptions:
    """Settings of one run."""

    out: Annotated[Path, Field(description="folder of everything the run writes")]
    max_kimg: Annotated[
        Kimg, Field(description="thousands of images to see in all, earlier starts of the run included")
    ]
    batch_size: Annotated[Count, Field(description="images an iteration, over all processes")]
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="of the order of the data")] = 0
    tick_kimg: Annotated[Kimg, Field(description="thousands of images between two lines of the log")] = 0.5
    snapshot_kimg: Annotated[Kimg, Field(description="thousands of images between two checkpoints with images")] = 4.0
    resume: Annotated[
        str, Field(description="auto goes on from last.ckpt in out if it is there, none starts anew, else a checkpoint")
    ] = "auto"
    precision: Annotated[str, Field(description="a key of runtime.precision.PRECISIONS")] = "auto"
    accelerator: Annotated[str, Field(description="of Lightning's Trainer")] = "auto"
    devices: Annotated[Count, Field(description="processes, one a device")] = 1
    cluster: Annotated[str, Field(description="what has started the processes, a key of runtime.trainer.CLUSTERS")] = (
        "none"
    )
    workers: Annotated[int, Field(ge=0, le=1024, description="processes that decode images for each of them")] = 0
    num_threads: Annotated[Count | None, Field(description="processor threads; None leaves torch's choice")] = None
    fast_dev_run: Annotated[bool, Field(description="one step of everything, nothing kept")] = False
    grid: Annotated[Count, Field(description="images in a sample grid")] = 32
    metadata: Annotated[
        Mapping[str, Any],
        Field(description="what the networks' files say besides, such as how the training images were cut"),
    ] = field(default_factory=dict)

    @property
    def last(self) -> Path:
        """The newest checkpoint of the run."""
        return self.out / "last.ckpt"
