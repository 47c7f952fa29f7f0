"""A weight that grows during the run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ramp:
    """A factor that rises linearly from 0 at `begin` to 1 at `end`, both fractions of the run.

    The default is always 1. Where `begin` and `end` agree the factor jumps there, as it does by mistake in the released code,
    whose border terms stay off for three quarters of the run.

    Attributes:
        begin: where the rise starts, 0 to 1.
        end: where the factor is full, `begin` to 1.
    """

    begin: float = 0.0
    end: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a ramp that falls or never fills up."""
        for key in ("begin", "end"):
            if type(getattr(self, key)) not in (int, float):
                raise ValueError(f"ramp.{key}={getattr(self, key)}: must be a number between 0 and 1")
        if not 0 <= self.begin <= self.end <= 1:
            raise ValueError(f"begin={self.begin}, end={self.end}: a ramp needs 0 <= begin <= end <= 1")

    def at(self, progress: float) -> float:
        """Factor in 0..1 at `progress`, the fraction of the run that is done."""
        if progress >= self.end:
            return 1.0
        if progress <= self.begin:
            return 0.0
        return (progress - self.begin) / (self.end - self.begin)
