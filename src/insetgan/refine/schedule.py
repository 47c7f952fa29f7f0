"""When which generator is updated, how fast, until when boxes may move, and when a sample is done."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from insetgan.refine.sides import SIDES, Side
from insetgan.runtime.errors import UserError


def _check_sides(key: str, sides: Sequence[str]) -> None:
    if not sides or isinstance(sides, str) or any(side not in SIDES for side in sides):
        raise UserError(f"{key}={sides}: name one or both of {', '.join(SIDES)}")


@dataclass(frozen=True)
class Stage:
    """A section of a run. Terms of the objective name the stages in which they act.

    Attributes:
        until: fraction of the run at which it ends.
        sides: what may be updated in it.
        rate: factor of the learning rates.
        detect: whether boxes may move in it.
    """

    until: float = 1.0
    sides: Sequence[Side] = SIDES
    rate: float = 1.0
    detect: bool = True

    def __post_init__(self) -> None:
        """Refuse sides that do not exist, and rates that are none."""
        _check_sides("schedule.stages.sides", self.sides)
        object.__setattr__(self, "sides", tuple(self.sides))
        for key in ("until", "rate"):
            value = getattr(self, key)
            if type(value) not in (int, float) or not 0 <= value < math.inf:
                raise UserError(f"schedule.stages.{key}={value}: must be a number, 0 or more")
        if type(self.detect) is not bool:
            raise UserError(f"schedule.stages.detect={self.detect}: must be true or false")


class Turn(NamedTuple):
    """Steps in a row that are alike: they move the same sides by the same terms.

    Attributes:
        sides: what moves; nothing in a stage that knows only sides that stand still.
        stage: number of the stage, from 0.
    """

    sides: tuple[Side, ...]
    stage: int


@dataclass(frozen=True)
class Schedule:
    """The course of a run. The defaults are what refine.py runs: this is the one place that declares them.

    Attributes:
        steps: updates in all, of either side; a sample that has settled takes fewer.
        sides: what is optimised: the codes of the canvas, of the insets, or of both.
        together: update both sides in every step, instead of in turn.
        block: updates of one side before the other takes its turn; also how often samples are looked at for being done.
        first: the side that begins.
        canvas_rate: Adam's learning rate for the canvas generator's latents.
        inset_rate: Adam's learning rate for the inset generators' latents.
        ramp_up: fraction of a stage over which the rates rise linearly from 0.
        ramp_down: fraction of a stage over which they fall, as half a cosine, to 0 at its end (StyleGAN2's projector
            falls over the last quarter).
        detect_every: canvas updates between two looks for the parts.
        detect_until: fraction of the run after which boxes stand still, so that the end is calm.
        renew_canvas: fraction of the run at which the canvas of that moment becomes the one that L_body holds on to.
        renew_inset: the same for the insets and L_part.
        patience: a sample is done when its best objective has not fallen over so many steps ...
        tolerance: ... by this share of itself; 0 never stops before `steps`.
        stages: sections with different sides, rates and terms. In the last one by default the insets alone fit themselves
            to what the canvas has become.
    """

    steps: int = 300
    sides: Sequence[Side] = SIDES
    together: bool = False
    block: int = 10
    first: Side = "inset"
    canvas_rate: float = 0.015
    inset_rate: float = 0.04
    ramp_up: float = 0.05
    ramp_down: float = 0.8
    detect_every: int = 5
    detect_until: float = 0.5
    renew_canvas: float | None = None
    renew_inset: float | None = None
    patience: int = 40
    tolerance: float = 0.005
    stages: Sequence[Stage] = (Stage(until=0.75), Stage(until=1.0, sides=("inset",), rate=0.3, detect=False))

    def __post_init__(self) -> None:
        """Refuse values that make no run, naming the key."""
        for key, low in (("steps", 0), ("block", 1), ("detect_every", 1), ("patience", 1)):
            value = getattr(self, key)
            if type(value) is not int or value < low:
                raise UserError(f"schedule.{key}={value}: must be a whole number, {low} or more")
        highest = {"canvas_rate": 1e3, "inset_rate": 1e3}
        for key in ("canvas_rate", "inset_rate", "ramp_up", "ramp_down", "detect_until", "tolerance"):
            value, high = getattr(self, key), highest.get(key, 1.0)
            if type(value) not in (int, float) or not 0 <= value <= high:
                raise UserError(f"schedule.{key}={value}: must be a number between 0 and {high:g}")
        for key in ("renew_canvas", "renew_inset"):
            value = getattr(self, key)
            if value is not None and (type(value) not in (int, float) or not 0 < value < 1):
                raise UserError(f"schedule.{key}={value}: must be null or between 0 and 1")
        self._check_course()
        for key in ("sides", "stages"):
            object.__setattr__(self, key, tuple(getattr(self, key)))

    def _check_course(self) -> None:
        if self.first not in SIDES:
            raise UserError(f"schedule.first={self.first}: must be one of {', '.join(SIDES)}")
        _check_sides("schedule.sides", self.sides)
        if type(self.together) is not bool:
            raise UserError(f"schedule.together={self.together}: must be true or false")
        if not isinstance(self.stages, Sequence) or not all(isinstance(stage, Stage) for stage in self.stages):
            raise UserError("schedule.stages: must be a list of stages, as in conf/objective/stylegan_human.yaml")
        ends = [stage.until for stage in self.stages]
        if not ends or ends[-1] != 1 or sorted(set(ends)) != ends or ends[0] <= 0:
            raise UserError(f"schedule.stages: their ends must rise from above 0 to 1, not {ends}")

    def stage(self, step: int) -> int:
        """Number of the stage that step number `step`, from 0, belongs to."""
        return next((i for i, stage in enumerate(self.stages) if step < self._end(i)), len(self.stages) - 1)

    def active(self, step: int) -> tuple[Side, ...]:
        """The sides that step number `step` updates; none in a stage that knows only sides that stand still."""
        number = self.stage(step)
        sides = tuple(side for side in SIDES if side in self.sides and side in self.stages[number].sides)
        if self.together or len(sides) < 2:
            return sides
        other: Side = "inset" if self.first == "canvas" else "canvas"
        return (self.first if (step - self._begin(number)) // self.block % 2 == 0 else other,)

    def turn(self, step: int) -> Turn:
        """The turn that step number `step` belongs to."""
        return Turn(self.active(step), self.stage(step))

    def progress(self, step: int) -> float:
        """Fraction of the run done before step number `step`, 0..1."""
        return step / max(self.steps, 1)

    def rate(self, step: int, side: Side) -> float:
        """Learning rate of one side at step number `step`."""
        number = self.stage(step)
        full = (self.canvas_rate if side == "canvas" else self.inset_rate) * self.stages[number].rate
        begin = self._begin(number)
        middle = (step - begin + 0.5) / max(self._end(number) - begin, 1)
        factor = 1.0
        if self.ramp_down > 0:
            left = min(1.0, (1 - middle) / self.ramp_down)
            factor = 0.5 - 0.5 * math.cos(math.pi * left)
        if self.ramp_up > 0:
            factor *= min(1.0, middle / self.ramp_up)
        return full * factor

    def may_detect(self, step: int) -> bool:
        """Whether boxes may still move at step number `step`."""
        return self.progress(step) < self.detect_until and self.stages[self.stage(step)].detect

    def renewed(self, step: int) -> tuple[Side, ...]:
        """The sides whose references are taken anew before step number `step`."""
        marks = {"canvas": self.renew_canvas, "inset": self.renew_inset}
        return tuple(side for side in SIDES if (at := marks[side]) is not None and step == round(at * self.steps))

    def may_stop(self, step: int) -> bool:
        """Whether samples may be found done in step number `step`: the last of a block, in the last stage."""
        begin = self._begin(len(self.stages) - 1)
        return self.tolerance > 0 and step - begin >= self.patience and (step + 1 - begin) % self.block == 0

    def _begin(self, number: int) -> int:
        return self._end(number - 1) if number else 0

    def _end(self, number: int) -> int:
        return round(self.stages[number].until * self.steps)


def steps_for(insets: int) -> int:
    """Steps of a refinement: 300, and 100 for each further inset, since the canvas has to suit all of them."""
    return 200 + 100 * max(1, insets)
