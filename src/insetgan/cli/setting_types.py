"""Types that settings of several commands share."""

from typing import Annotated, Any, Literal

from pydantic import Field

Psi = Annotated[float, Field(ge=0, le=2)]
"""Truncation: 0 gives the average image, 1 is off."""

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
"""Of numpy's RandomState."""

SeedText = str | int | list[int | str]
"""Seeds as `parse_seeds` reads them: 3, 0-7, or a list of such items."""

Crop = Literal["none", "center", "fit"]
Grey = Literal["refuse", "rgb"]
Background = str | list[int]

Cluster = Literal["none", "slurm", "torchelastic", "lsf", "mpi"]
"""Names of `runtime.trainer.CLUSTERS`."""

CLUSTER = "what has started the processes; none looks at no environment"
CROP = "what is done with images of another ratio: none (refused), center (cut to their middle) or fit (padded)"
GREY = "what is done with greyscale images"
BACKGROUND = "colour behind transparent images and of padding: a name such as white, #rrggbb, or [red,green,blue]"
LICENCE = (
    "accept the licences, which are shown, of networks that weights=known:NAME fetches or convert.py out=hf: pushes"
)

ResultLoggers = Annotated[
    dict[str, Any], Field(description="where curves, figures and sheets go beside the result folder")
]
OwnMeasures = Annotated[
    list[Any], Field(description="classes of your own that measure each sample, as in [my_measures.Brightness]")
]
Plugins = Annotated[
    str | list[str] | None,
    Field(
        description="packages of your own whose classes may be built, from the command line only; see docs/extending.md"
    ),
]
