"""The registry of measures: each number of a sample is declared here once, and everything that shows numbers goes through it.

results.json, the summary, the terminal, the report, the table of a sweep and the tables of an evaluation hold what this
registry names. A measure of your own is a subclass of `Measure`, named by `measures=[my_measures.Mine]`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from insetgan.metrics.seam import band, body_change, part_change, seam

Better = Literal["lower", "higher", "one"]

LEVELS = "grey levels of 255"
"""The unit of differences between images."""


@dataclass(frozen=True)
class Quantity:
    """What is said of a number wherever it is shown.

    Attributes:
        title: what it is called.
        about: what it is, in one sentence.
        unit: in words; empty where there is none.
        better: whether lower values are better, higher ones, or those closest to one.
        of_change: whether it is a difference from the start: 0 where nothing is optimised, which is no merit.
    """

    title: str
    about: str = ""
    unit: str = ""
    better: Better = "lower"
    of_change: bool = False

    @property
    def heading(self) -> str:
        """The title with its unit, for tables."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    def plain(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return asdict(self)


@dataclass(frozen=True)
class Composites:
    """The images of n samples, as they are saved: before a refinement or after it.

    Attributes:
        start: uint8 [n, H, W, 3], the canvas from which the refinement started.
        canvas: uint8 [n, H, W, 3], the canvas without insets.
        composite: uint8 [n, H, W, 3], the canvas with its insets pasted.
        boxes: by part, int64 [n, 4].
        present: by part, bool [n], whether it is on the canvas.
        insets: by part, uint8 [n, h, w, 3]; none where something else fills the boxes.
        start_insets: the same at the start.
        interiors: by part, the interior of the inset, weights in 0..1, [n, 1, h, w].
    """

    start: Tensor
    canvas: Tensor
    composite: Tensor
    boxes: Mapping[str, Tensor]
    present: Mapping[str, Tensor]
    insets: Mapping[str, Tensor] = field(default_factory=dict)
    start_insets: Mapping[str, Tensor] = field(default_factory=dict)
    interiors: Mapping[str, Tensor] = field(default_factory=dict)


class Measure(ABC):
    """A number for each sample, or for each part of each sample.

    A measure that is no `of_change` is taken twice, of the naive paste and of the result; its numbers are called
    `<name>_before` and `<name>_after`. One that is `of_change` compares with the start and is called `<name>`.

    Attributes:
        name: its key in results.json, in the CSV files and in `metrics=`.
        title, about, unit, better, of_change: see `Quantity`.
        per_part: whether it is taken of each part, and not of the whole image.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str] = ""
    unit: ClassVar[str] = ""
    better: ClassVar[Better] = "lower"
    of_change: ClassVar[bool] = False
    per_part: ClassVar[bool] = False

    @abstractmethod
    def compute(self, images: Composites) -> Tensor | Mapping[str, Tensor]:
        """Measure all samples.

        Args:
            images: of n samples, on the CPU.

        Returns:
            [n], or where it is `per_part` by part [n]. NaN where there is no number.
        """

    def files(self) -> Sequence[Path]:
        """The files that decide the numbers, such as those of a network; see `runtime.fingerprint`."""
        return []

    @property
    def quantity(self) -> Quantity:
        """What is said of it."""
        return Quantity(self.title, self.about, self.unit, self.better, self.of_change)

    def key(self, when: Literal["before", "after"]) -> str:
        """Its key in the record of a sample."""
        return self.name if self.of_change else f"{self.name}_{when}"

    @property
    def keys(self) -> tuple[str, ...]:
        """All its keys in the record of a sample."""
        return (self.name,) if self.of_change else (f"{self.name}_before", f"{self.name}_after")


class Seam(Measure):
    """See `metrics.seam.seam`."""

    name, title, better, per_part = "seam", "seam", "one", True
    about = "step across the border of the box, composite over canvas; 1 is none"

    def compute(self, images: Composites) -> Mapping[str, Tensor]:
        """By part, a ratio."""
        return {part: seam(images.canvas, images.composite, boxes) for part, boxes in images.boxes.items()}


class Band(Measure):
    """See `metrics.seam.band`."""

    name, title, unit, per_part = "band", "band", LEVELS, True
    about = "mean difference of inset and canvas inside the border"

    def compute(self, images: Composites) -> Mapping[str, Tensor]:
        """By part, 0 to 255."""
        return {part: band(images.canvas, images.composite, boxes) for part, boxes in images.boxes.items()}


class PartChange(Measure):
    """See `metrics.seam.part_change`."""

    name, title, unit, of_change, per_part = "part_change", "change of the part", LEVELS, True, True
    about = "mean difference from the start, inside the box"

    def compute(self, images: Composites) -> Mapping[str, Tensor]:
        """By part, 0 to 255."""
        return {
            part: part_change(images.start_insets[part], inset, images.interiors[part])
            for part, inset in images.insets.items()
        }


class CanvasChange(Measure):
    """See `metrics.seam.body_change`."""

    name, title, unit, of_change = "body_change", "change of the canvas", LEVELS, True
    about = "mean difference from the start, outside the boxes"

    def compute(self, images: Composites) -> Tensor:
        """Of the whole canvas, 0 to 255."""
        boxes = [boxes * images.present[part][:, None] for part, boxes in images.boxes.items()]
        return body_change(images.start, images.canvas, boxes)


MEASURES: tuple[Measure, ...] = (Seam(), Band(), PartChange(), CanvasChange())
"""The measures that are always taken, in the order in which they are shown."""

_OF_RESULTS = {
    "spread": Quantity("spread", "mean difference of the results of a sample", LEVELS, "higher"),
    "objective": Quantity("objective", "weighted sum of the terms at the kept state"),
    "steps": Quantity("steps", "updates made"),
}
"""What a record holds beside measures."""

RESERVED = ("name", "seed", "status", "missing", "box", *_OF_RESULTS)
"""Keys of a record that no measure may have."""


def quantities(measures: Iterable[Measure] = MEASURES) -> dict[str, Quantity]:
    """What is said of the numbers of a record, by name of the measure, in the order in which they are shown."""
    return {measure.name: measure.quantity for measure in measures} | _OF_RESULTS


def read_quantities(given: object) -> dict[str, Quantity]:
    """What results.json says of its numbers under `measures`; those of the registry where it says nothing.

    Raises:
        TypeError: it is something else.
    """
    if given is None:
        return quantities()
    if not isinstance(given, Mapping) or not all(isinstance(each, Mapping) for each in given.values()):
        raise TypeError("measures: must hold a title, a unit and the like by name")
    return {str(name): Quantity(**{str(key): value for key, value in each.items()}) for name, each in given.items()}


def known_values(values: Tensor, present: Tensor) -> Tensor:
    """The values [n] of a part that is there; NaN where it is not, bool [n], and where a value is not finite."""
    return torch.where(present & values.isfinite(), values, torch.nan)
