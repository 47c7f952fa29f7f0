"""When which generator is updated, how fast, until when boxes may move, and when a sample is done."""

import math
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from insetgan.refine.sides import SIDES, Side
from insetgan.runtime.settings import SettingError, settings


@settings
class Stage:
    """A section of a run. Terms of the objective name the stages in which they act."""

    until: Annotated[float, Field(gt=0, le=1, description="fraction of the run at which it ends")] = 1.0
    sides: Annotated[tuple[Side, ...], Field(min_length=1, description="what may be updated in it")] = SIDES
    rate: Annotated[float, Field(ge=0, le=1000, description="factor of the learning rates")] = 1.0
    detect: Annotated[bool, Field(description="whether boxes may move in it")] = True


class Turn(NamedTuple):
    """Steps in a row that are alike: they move the same sides by the same terms.

    Attributes:
        sides: what moves; nothing in a stage that knows only sides that stand still.
        stage: number of the stage, from 0.
    """

    sides: tuple[Side, ...]
    stage: int


@settings
class Schedule:
    """The course of a run. The defaults are what refine.py runs: this is the one place that declares them.

    A sample is done when its best objective has not fallen by `tolerance` of itself over `patience` steps. In the last stage
    by default the insets alone fit themselves to what the canvas has become.
    """

    steps: Annotated[
        int, Field(ge=0, le=1_000_000, description="updates of either side, in all; settled samples take fewer")
    ] = 300
    sides: Annotated[tuple[Side, ...], Field(min_length=1, description="whose latents are optimised")] = SIDES
    together: Annotated[bool, Field(description="update both sides in every step, instead of in turn")] = False
    optimizer: Annotated[
        Literal["adam", "lbfgs"],
        Field(
            description="lbfgs learns the curvature of each sample: together, in one stage, at full weights and with boxes "
            "that stand still; the rates are then the longest root mean square steps, without ramps"
        ),
    ] = "adam"
    block: Annotated[
        int,
        Field(
            ge=1,
            le=1_000_000,
            description="updates of one side before the other takes its turn; also how often samples may be found done",
        ),
    ] = 10
    first: Annotated[Side, Field(description="the side that begins")] = "inset"
    canvas_rate: Annotated[float, Field(ge=0, le=1000, description="Adam's learning rate of the canvas's latents")] = (
        0.015
    )
    inset_rate: Annotated[float, Field(ge=0, le=1000, description="Adam's learning rate of the insets' latents")] = 0.04
    ramp_up: Annotated[
        float, Field(ge=0, le=1, description="fraction of a stage over which the rates rise linearly from 0")
    ] = 0.05
    ramp_down: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="fraction of a stage over which they fall, as half a cosine, to 0 at its end (StyleGAN2's projector: "
            "the last quarter)",
        ),
    ] = 0.8
    detect_every: Annotated[
        int, Field(ge=1, le=1_000_000, description="canvas updates between two detections of the parts")
    ] = 5
    detect_until: Annotated[
        float,
        Field(ge=0, le=1, description="fraction of the run after which boxes stand still, so that the end is calm"),
    ] = 0.5
    renew_canvas: Annotated[
        float | None,
        Field(
            gt=0, lt=1, description="fraction of the run at which L_body takes the canvas of that moment as reference"
        ),
    ] = None
    renew_inset: Annotated[float | None, Field(gt=0, lt=1, description="the same for the insets and L_part")] = None
    patience: Annotated[
        int, Field(ge=1, le=1_000_000, description="steps without progress after which a sample is done")
    ] = 40
    tolerance: Annotated[
        float, Field(ge=0, le=1, description="share of the objective that counts as progress; 0 never stops early")
    ] = 0.005
    stages: Annotated[
        tuple[Stage, ...], Field(min_length=1, description="sections with different sides, rates and terms")
    ] = (Stage(until=0.75), Stage(until=1.0, sides=("inset",), rate=0.3, detect=False))

    def __post_init__(self) -> None:
        """Refuse stages that do not follow one another up to the end."""
        ends = [stage.until for stage in self.stages]
        if ends[-1] != 1 or sorted(set(ends)) != ends:
            raise SettingError("stages", f"their ends must rise from above 0 to 1, not {ends}")
        if self.newton and (not self.together or len(ends) > 1 or self.renew_canvas or self.renew_inset):
            raise SettingError("optimizer", "takes together=true, one stage and no renewed references", self.optimizer)

    @property
    def newton(self) -> bool:
        """Whether the same function is minimised in every step, by L-BFGS."""
        return self.optimizer == "lbfgs"

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
        if self.newton:
            return self.canvas_rate if side == "canvas" else self.inset_rate
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
        return not self.newton and self.progress(step) < self.detect_until and self.stages[self.stage(step)].detect

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
