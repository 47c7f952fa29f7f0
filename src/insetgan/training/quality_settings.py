"""When images are measured during training, and how many."""

from typing import Annotated

from pydantic import Field

from insetgan.runtime.settings import settings


@settings
class QualitySettings:
    """How images are measured against the data set's while training, by what `features` sees in them."""

    every_kimg: Annotated[
        float,
        Field(gt=0, le=1e9, description="thousands of images between two measurements, which are taken at snapshots"),
    ] = 20.0
    num: Annotated[int, Field(ge=2, le=1_000_000, description="generated images")] = 1000
    num_real: Annotated[int, Field(ge=2, le=100_000_000, description="at most so many real ones")] = 5000
