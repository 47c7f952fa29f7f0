"""From photographs to a set of aligned faces, as FFHQ's are (Karras et al. 2018, appendix C, and 2019, appendix A)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field

from insetgan.detection.people import PeopleFinder
from insetgan.detection.single_shot import Numbers
from insetgan.preparation.frame import Frame
from insetgan.preparation.gather import Made, gather
from insetgan.preparation.inputs import Photo
from insetgan.preparation.source import FileSource, Task
from insetgan.preparation.verdict import Rejected
from insetgan.runtime.errors import UserError
from insetgan.runtime.settings import settings


def face_frame(points: Numbers, size: int) -> Frame:
    """The square of FFHQ's alignment: its horizontal follows the eyes, its side the larger of two distances.

    With e from the right eye to the left one (on the image from left to right) and m from between the eyes to the mouth, the
    half side is x = e - m turned by 90 degrees, brought to the length max(2 |e|, 1.8 |m|), and the centre lies 0.1 m below
    the eyes.

    Args:
        points: [6, 2] of `single_shot.face_finder`: right eye, left eye, nose, mouth, and the ears.
        size: side of the image.

    Raises:
        Rejected: the points lie on top of each other.
    """
    right, left, mouth = points[0], points[1], points[3]
    eyes, across = (right + left) / 2, left - right
    down = mouth - eyes
    x = across - np.array([-down[1], down[0]])
    length = float(np.hypot(*x))
    if length < 1e-3:
        raise Rejected("the points of the face lie on top of each other")
    half = max(2.0 * float(np.hypot(*across)), 1.8 * float(np.hypot(*down)))
    centre = eyes + 0.1 * down
    return Frame(float(centre[0]), float(centre[1]), 2 * half, (size, size), math.atan2(x[1], x[0]))


@settings
class FacesSource(FileSource):
    """Cuts out the most prominent face of each photograph, turned upright, as FFHQ's are.

    Where the photograph ends, the image goes on as in a mirror.
    """

    enlarge: Annotated[float, Field(gt=0, le=64, description="times that a face may be enlarged at most")] = 2.0
    outside: Annotated[
        float, Field(ge=0, le=1, description="share of the image that may lie beyond the photograph")
    ] = 0.4
    duplicates: Annotated[
        Literal["drop", "keep"], Field(description="photographs that look like an earlier one: dropped, or only named")
    ] = "drop"

    name = "ffhq_align"

    def run(self, task: Task) -> Sequence[str]:
        """Write the archive, the table of reasons and the sheet; see `gather.gather`."""
        assert task.finder is not None
        if task.width not in (None, task.height):
            raise UserError(f"data.height={task.height} data.width={task.width}: aligned faces are square")
        maker = FaceMaker(task.finder, task.height, self.enlarge, self.outside)
        return gather(
            task,
            maker,
            name=self.name,
            parts=(),
            size=(task.height, task.height),
            settings={"enlarge": self.enlarge, "outside": self.outside},
            duplicates=self.duplicates,
        )


@dataclass(frozen=True)
class FaceMaker:
    """Makes the image of a face; see `FacesSource` for its settings.

    Attributes:
        finder: finds the people, with the points of their faces.
        side: of the image.
    """

    finder: PeopleFinder
    side: int
    enlarge: float = 2.0
    outside: float = 0.4

    def make(self, photo: Photo, name: str) -> Made:
        """The aligned face of the most prominent person who has one.

        Raises:
            Rejected: there is no face, or the image would show too little of the photograph.
        """
        people = [person for person in self.finder.find(photo.pixels, name) if person.face is not None]
        if not people or people[0].face is None:
            raise Rejected("no face was found")
        frame = face_frame(people[0].face, self.side)
        if frame.scale > self.enlarge:
            raise Rejected(f"too small: would be enlarged {frame.scale:.1f} times, source.enlarge={self.enlarge:g}")
        if (share := frame.outside(*photo.pixels.shape[1:])) > self.outside:
            raise Rejected(f"too close to the edge: {share:.0%} of the image would lie beyond the photograph")
        pixels = frame.sample(photo.pixels).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
        return Made(pixels, scores={part: box.score for part, box in people[0].boxes.items() if part == "face"})
