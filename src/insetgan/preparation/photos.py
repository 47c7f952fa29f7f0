"""From photographs of people to a training set of bodies."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from insetgan.data.annotations import Box, Mask
from insetgan.data.person import PART_NAMES
from insetgan.detection.people import FACE_NAME, PERSON_NAME, PeopleFinder, Person, part_mask
from insetgan.preparation.alignment import BodyAlignment
from insetgan.preparation.frame import Frame, blurred, fill
from insetgan.preparation.gather import Made, gather
from insetgan.preparation.inputs import Photo
from insetgan.preparation.source import FileSource, Task
from insetgan.preparation.verdict import Rejected
from insetgan.runtime.settings import settings

PARTS = (*PART_NAMES, PERSON_NAME)
_BLUR = 4.5 / 1024  # sigma, of the image's height: the paper's kernel of 27 pixels at 1024, three sigma on either side
_OTHERS = 0.1  # share of the first person's pixels that others may fill of an image
_OTHER_FACE = 0.25  # share of the first face's area from which on another face counts


@settings
class PhotosSource(FileSource):
    """Finds the person of each photograph, and aligns, crops and scales the whole body.

    What has no clear full body is dropped: cut off, hidden, not upright, without a face, too small, or with a second person in
    the image. Where the image reaches beyond the photograph, it goes on as in a mirror, without the person.
    """

    alignment: Annotated[BodyAlignment, Field(description="where bodies go")] = field(default_factory=BodyAlignment)
    background: Annotated[
        Literal["blur", "white", "keep"], Field(description="behind the person: blurred, white, or as it is")
    ] = "blur"
    enlarge: Annotated[float, Field(gt=0, le=64, description="times that a person may be enlarged at most")] = 2.0
    outside: Annotated[
        float, Field(ge=0, le=1, description="share of the image that may lie beyond the photograph")
    ] = 0.6
    duplicates: Annotated[
        Literal["drop", "keep"], Field(description="photographs that look like an earlier one: dropped, or only named")
    ] = "drop"

    name = "photos"

    def default_width(self, height: int) -> int:
        """Half of the height, as for rendered people."""
        return height // 2

    def run(self, task: Task) -> Sequence[str]:
        """Write the archive, the table of reasons and the sheet; see `gather.gather`."""
        assert task.finder is not None
        size = (task.height, task.width or self.default_width(task.height))
        maker = BodyMaker(task.finder, size, self.alignment, self.background, self.enlarge, self.outside)
        chosen = {"alignment": asdict(self.alignment), "background": self.background, "enlarge": self.enlarge}
        return gather(
            task,
            maker,
            name=self.name,
            parts=PARTS,
            size=size,
            settings={**chosen, "outside": self.outside},
            duplicates=self.duplicates,
        )


@dataclass(frozen=True)
class BodyMaker:
    """Makes the image of a body; see `PhotosSource` for its settings.

    Attributes:
        finder: finds the people.
        size: (H, W) of the image.
    """

    finder: PeopleFinder
    size: tuple[int, int]
    alignment: BodyAlignment = field(default_factory=BodyAlignment)
    background: str = "blur"
    enlarge: float = 2.0
    outside: float = 0.6

    def make(self, photo: Photo, name: str) -> Made:
        """The aligned image of the most prominent person, with boxes and masks of the parts.

        Raises:
            Rejected: there is no clear full body, or the image would show too little of the photograph.
        """
        people = self.finder.find(photo.pixels, name)
        if not people:
            raise Rejected("no person was found")
        person, (height, width) = people[0], photo.pixels.shape[1:]
        frame = self.alignment.frame(person, (height, width), self.size)
        if frame.scale > self.enlarge:
            raise Rejected(f"too small: would be enlarged {frame.scale:.1f} times, source.enlarge={self.enlarge:g}")
        assert person.mask is not None
        mask = frame.sample(person.mask[None], padding="zeros")[0].clamp(0, 1)
        self._refuse_others(person, people[1:], frame, mask)
        if (share := frame.outside(height, width)) > self.outside:
            raise Rejected(f"too close to the edge: {share:.0%} of the image would lie beyond the photograph")
        pixels = self._pixels(photo.pixels, person.mask, frame, mask)
        boxes, masks, scores = _parts(person, frame, mask)
        return Made(pixels.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy(), boxes, masks, scores)

    def _refuse_others(self, person: Person, others: Sequence[Person], frame: Frame, mask: Tensor) -> None:
        """Refuse images in which others fill more than a tenth of what the person fills, or show a face of half its size."""
        own = frame.box(person.boxes[FACE_NAME])
        for other in others:
            seen = frame.box(other.boxes[FACE_NAME]) if FACE_NAME in other.boxes else None
            beside = seen is not None and own is not None and seen.area > _OTHER_FACE * own.area
            if other.mask is not None and not beside:
                inside = frame.sample(other.mask[None], padding="zeros")[0] > 0.5
                beside = float((inside & (mask < 0.5)).sum()) > _OTHERS * float(mask.sum())
            if beside:
                raise Rejected("a second person in the image")

    def _pixels(self, photo: Tensor, person: Tensor, frame: Frame, mask: Tensor) -> Tensor:
        """The image, float [3, H, W] in 0..255, with the background that is wanted."""
        pixels = frame.sample(photo).clamp(0, 255)
        if self.background == "white":
            return pixels * mask + 255 * (1 - mask)
        mirrored = frame.sample(person[None]).clamp(0, 1)[0]
        if self.background == "keep":
            inside = frame.sample(torch.ones_like(person)[None], padding="zeros")[0]
            ghost = _widened((mirrored > 0.3) & (mask < 0.3) & (inside < 0.5))
            return fill(pixels, 1 - ghost)
        # Without the person, so that neither its colours nor its mirror image leak into what is behind it.
        behind = blurred(fill(pixels, 1 - _widened(mirrored > 0.1)), _BLUR * self.size[0])
        return pixels * mask + behind * (1 - mask)


def _parts(
    person: Person, frame: Frame, mask: Tensor
) -> tuple[dict[str, Box | None], dict[str, Mask], dict[str, float]]:
    """Boxes, masks and confidences of the parts in the image."""
    boxes: dict[str, Box | None] = {}
    masks: dict[str, Mask] = {}
    scores: dict[str, float] = {}
    height, width = frame.size
    moved = {part: inside for part, box in person.boxes.items() if (inside := frame.box(box)) is not None}
    there = Person(moved, mask)
    for part in PARTS:
        boxes[part] = None
        if part in moved and moved[part].area >= 4:
            boxes[part], scores[part] = moved[part].whole(height, width), moved[part].score
            found: Any = (part_mask(there, part, height, width) > 0.5).numpy()
            if not found.any():  # the mask misses a thin part; its box is known
                x0, y0, x1, y1 = moved[part].whole(height, width)
                found = np.zeros((height, width), bool)
                found[y0:y1, x0:x1] = True
            masks[part] = found
    return boxes, masks, scores


def _widened(marked: Tensor) -> Tensor:
    """Marked pixels [h, w] and those near them, float."""
    reach = max(1, marked.shape[0] // 64)
    return torch.nn.functional.max_pool2d(marked[None].float(), 2 * reach + 1, 1, reach)[0]
