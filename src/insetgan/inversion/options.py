"""What an inversion is told: settings without the networks, which take seconds to import."""

from typing import Annotated, Literal

from pydantic import Field

from insetgan.runtime.settings import settings

Align = Literal["whole", "center", "fit", "part", "person"]
"""The whole image (its ratio must be the generator's), its largest middle piece of the ratio, the image padded to the ratio by
reflection, the square round a part that a detector finds, or a whole person, placed as the bodies of prepared sets are
(`preparation.alignment.BodyAlignment`)."""

InversionSpace = Literal["w*", "w", "w+", "w+f"]
"""What moves: the spaces of `networks.layered.Layered`, or w and one feature map."""

Weight = Annotated[float, Field(ge=0, le=1e6)]


@settings
class ProjectorOptions:
    """How latents are optimised."""

    feature_rows: Annotated[
        int | None, Field(ge=1, le=16384, description="of w+f: rows of the feature map; null is about a quarter")
    ] = None
    rate: Annotated[float, Field(gt=0, le=1000, description="Adam's learning rate, in units of the spread of w")] = 0.1
    ramp_up: Annotated[float, Field(ge=0, le=1, description="fraction of the steps over which it rises")] = 0.05
    ramp_down: Annotated[
        float, Field(ge=0, le=1, description="fraction of the steps over which it falls to 0, as half a cosine")
    ] = 0.5
    l1: Annotated[Weight, Field(description="weight of the mean absolute difference")] = 1.0
    l2: Annotated[Weight, Field(description="weight of the mean squared difference")] = 1.0
    perceptual: Annotated[Weight, Field(description="weight of the perceptual distance")] = 0.1
    delta: Annotated[Weight, Field(description="weight of the mean square of delta")] = 1e-4
    average: Annotated[Weight, Field(description="weight of the mean square of w* - w_avg")] = 1e-4


@settings
class TuningOptions:
    """How a generator is tuned to one image."""

    steps: Annotated[int, Field(ge=0, le=1_000_000, description="updates of the weights; 0 leaves tuning out")] = 0
    rate: Annotated[float, Field(gt=0, le=1000, description="Adam's learning rate")] = 0.0005
    l2: Annotated[Weight, Field(description="weight of the mean squared difference")] = 1.0
    perceptual: Annotated[Weight, Field(description="weight of the perceptual distance")] = 1.0
    locality: Annotated[Weight, Field(description="weight of how far other images may change")] = 0.1
    interpolation: Annotated[
        float, Field(ge=0, le=1, description="where those images stand between the pivot (0) and random latents (1)")
    ] = 0.5
    others: Annotated[int, Field(ge=1, le=64, description="of those images in each step, which are drawn at once")] = 1
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="of their latents")] = 0
