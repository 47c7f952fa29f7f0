"""Settings of where and how `insetgan refine` and `insetgan evaluate` compute."""

from typing import Annotated, Literal

from pydantic import Field

from insetgan.cli.setting_types import CLUSTER, Cluster
from insetgan.runtime.settings import settings

Threads = Annotated[
    int | None, Field(ge=1, le=1024, description="processor threads of each process; null is torch's choice")
]


@settings
class ThreadsConfig:
    """With how many threads to compute."""

    num_threads: Threads = None


@settings
class ComputeConfig:
    """Where and how to compute, in the words of Lightning's Trainer."""

    accelerator: Annotated[str, Field(description="auto, cpu, gpu or another that Lightning knows")] = "auto"
    devices: Annotated[
        Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] | list[int],
        Field(description="how many, or the numbers of GPUs; auto takes what the machine has"),
    ] = 1
    num_nodes: Annotated[int, Field(ge=1, le=1024, description="machines, each with that many devices")] = 1
    precision: Annotated[
        Literal["auto", "32-true", "bf16-mixed"],
        Field(description="of the networks; auto is bf16-mixed where the device is fast in it"),
    ] = "32-true"
    strategy: Annotated[str, Field(description="how Lightning shares the work")] = "auto"
    cluster: Annotated[Cluster, Field(description=CLUSTER)] = "none"
    deterministic: Annotated[bool | None, Field(description="deterministic algorithms only")] = None
    benchmark: Annotated[bool | None, Field(description="let cuDNN choose its algorithms by trying them")] = None
    num_threads: Threads = None
