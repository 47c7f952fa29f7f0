"""When which generator is updated, how fast, and until when boxes may move."""

import math
from dataclasses import dataclass

from insetgan.errors import UserError
from insetgan.losses.term import SIDES, Side


@dataclass(frozen=True)
class Schedule:
    """The course of a run.

    Attributes:
        steps: updates in all, of either side.
        block: updates of one side before the other takes its turn.
        first: the side that begins.
        canvas_rate: Adam's learning rate for the canvas generator's latents.
        inset_rate: Adam's learning rate for the inset generators' latents.
        ramp_up: fraction of the run over which the rates rise linearly from 0.
        ramp_down: fraction of the run over which they fall, as half a cosine, to 0 at its end (StyleGAN2's projector
            falls over the last quarter).
        detect_every: canvas updates between two looks for the parts.
        detect_until: fraction of the run after which boxes stand still, so that the end is calm.
    """

    steps: int = 160
    block: int = 10
    first: Side = "inset"
    canvas_rate: float = 0.02
    inset_rate: float = 0.05
    ramp_up: float = 0.05
    ramp_down: float = 0.5
    detect_every: int = 5
    detect_until: float = 0.6

    def __post_init__(self) -> None:
        """Refuse values that make no run, naming the key."""
        for key, low in (("steps", 0), ("block", 1), ("detect_every", 1)):
            value = getattr(self, key)
            if type(value) is not int or value < low:
                raise UserError(f"schedule.{key}={value}: must be a whole number, {low} or more")
        for key, high in (
            ("canvas_rate", 1e3),
            ("inset_rate", 1e3),
            ("ramp_up", 1),
            ("ramp_down", 1),
            ("detect_until", 1),
        ):
            value = getattr(self, key)
            if type(value) not in (int, float) or not 0 <= value <= high:
                raise UserError(f"schedule.{key}={value}: must be a number between 0 and {high:g}")
        if self.first not in SIDES:
            raise UserError(f"schedule.first={self.first}: must be one of {', '.join(SIDES)}")

    def active(self, step: int) -> tuple[Side, ...]:
        """The sides that step number `step`, from 0, updates."""
        other: Side = "inset" if self.first == "canvas" else "canvas"
        return (self.first if step // self.block % 2 == 0 else other,)

    def progress(self, step: int) -> float:
        """Fraction of the run done before step number `step`, 0..1."""
        return step / max(self.steps, 1)

    def rate(self, step: int, side: Side) -> float:
        """Learning rate of one side at step number `step`."""
        full = self.canvas_rate if side == "canvas" else self.inset_rate
        middle = (step + 0.5) / max(self.steps, 1)
        factor = 1.0
        if self.ramp_down > 0:
            left = min(1.0, (1 - middle) / self.ramp_down)
            factor = 0.5 - 0.5 * math.cos(math.pi * left)
        if self.ramp_up > 0:
            factor *= min(1.0, middle / self.ramp_up)
        return full * factor

    def may_detect(self, step: int) -> bool:
        """Whether boxes may still move at step number `step`."""
        return self.progress(step) < self.detect_until
