"""A weight that grows during the run."""

from typing import Annotated

from pydantic import Field

from insetgan.runtime.settings import SettingError, settings


@settings
class Ramp:
    """A factor that rises linearly from 0 at `begin` to 1 at `end`, both fractions of the run.

    The default is always 1. Where `begin` and `end` agree the factor jumps there, as it does by mistake in the released code,
    whose border terms stay off for three quarters of the run.
    """

    begin: Annotated[float, Field(ge=0, le=1, description="fraction of the run at which the rise starts")] = 0.0
    end: Annotated[float, Field(ge=0, le=1, description="fraction of the run at which the factor is full")] = 0.0

    def __post_init__(self) -> None:
        """Refuse a ramp that falls."""
        if self.begin > self.end:
            raise SettingError("begin", f"a ramp needs 0 <= begin <= end <= 1, and end is {self.end}", self.begin)

    def at(self, progress: float) -> float:
        """Factor in 0..1 at `progress`, the fraction of the run that is done."""
        if progress >= self.end:
            return 1.0
        if progress <= self.begin:
            return 0.0
        return (progress - self.begin) / (self.end - self.begin)
