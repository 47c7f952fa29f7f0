"""Alignment: which piece of a photograph a generator draws, and back into the photograph at its own resolution."""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from insetgan.detection.detector import Detector
from insetgan.detection.people import PeopleFinder, PhotoPeople
from insetgan.inversion.options import Align
from insetgan.ops.boxes import MARGIN, square_boxes
from insetgan.ops.images import from_uint8
from insetgan.preparation.alignment import BodyAlignment
from insetgan.preparation.verdict import Rejected
from insetgan.runtime import limits
from insetgan.runtime.errors import UserError

_DETECTED_ROWS = 1024
"""Larger photographs are reduced to this longer side before a detector sees them."""
_RATIO = 0.02
"""Share by which a ratio may differ from the generator's and still count as the same."""
SMALLEST = 8
"""Pixels that a side of the piece must have."""

Box = tuple[int, int, int, int]


class NotFound(UserError):
    """The part was not found, or the image is not fit for what was asked."""


@dataclass(frozen=True)
class Alignment:
    """A window of a photograph and the size to which it is brought.

    Attributes:
        box: (x0, y0, x1, y1) in pixels of the photograph; it may reach beyond, where the photograph is reflected.
        size: (height, width) of the generator.
    """

    box: Box
    size: tuple[int, int]

    def take(self, photograph: Tensor) -> Tensor:
        """The window of a photograph uint8 [3, H, W], antialiased: float [3, height, width] in [-1, 1]."""
        x0, y0, x1, y1 = self.box
        rows, columns = (_reflected(first, last, most) for first, last, most in self._ranges(photograph))
        piece = photograph[:, rows][:, :, columns]
        image = from_uint8(piece.permute(1, 2, 0)[None])
        if (y1 - y0, x1 - x0) != self.size:
            image = functional.interpolate(image, self.size, mode="bilinear", antialias=True, align_corners=False)
        return image[0].clamp(-1, 1)

    def put_back(self, photograph: Tensor, image: Tensor, weight: Tensor | None = None) -> Tensor:
        """Put an image over its window, enlarged or reduced to the photograph's own resolution.

        Args:
            photograph: uint8 [3, H, W]; not changed.
            image: [3, height, width] in [-1, 1].
            weight: [1, height, width] in 0..1, how much of the image is taken; all of it when absent.

        Returns:
            uint8 [3, H, W]; outside the window, and where the weight is 0, the photograph to the bit.
        """
        x0, y0, x1, y1 = self.box
        shape = (y1 - y0, x1 - x0)
        large = enlarged(image, shape).clamp(-1, 1)
        share = torch.ones(1, *shape) if weight is None else enlarged(weight, shape).clamp(0, 1)
        top, left = max(y0, 0), max(x0, 0)
        bottom, right = min(y1, photograph.shape[1]), min(x1, photograph.shape[2])
        inner = (slice(None), slice(top - y0, bottom - y0), slice(left - x0, right - x0))
        result = photograph.clone()
        before = photograph[:, top:bottom, left:right].float()
        mixed = torch.lerp(before, (large[inner] + 1) * 127.5, share[inner].expand(3, -1, -1))
        result[:, top:bottom, left:right] = mixed.round().clamp(0, 255).to(torch.uint8)
        return result

    def box_back(self, box: Box) -> Box:
        """A box on the generator's image as one of whole pixels of the photograph."""
        x0, y0, x1, y1 = self.box
        scale_x, scale_y = (x1 - x0) / self.size[1], (y1 - y0) / self.size[0]
        left, top = round(x0 + box[0] * scale_x), round(y0 + box[1] * scale_y)
        right, bottom = round(x0 + box[2] * scale_x), round(y0 + box[3] * scale_y)
        return (
            left,
            top,
            max(right, left + 1),
            max(bottom, top + 1),
        )  # of a small photograph no box is less than a pixel

    def _ranges(self, photograph: Tensor) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        x0, y0, x1, y1 = self.box
        return (y0, y1, photograph.shape[1]), (x0, x1, photograph.shape[2])


def align_image(
    photograph: Tensor,
    size: tuple[int, int],
    align: Align,
    *,
    detector: Detector | None = None,
    part: str = "face",
    margin: float = MARGIN,
    min_score: float = 0.3,
    box: Box | None = None,
    people: PeopleFinder | None = None,
    key: str = "image",
) -> Alignment:
    """Choose the window of a photograph.

    Args:
        photograph: uint8 [3, H, W].
        size: (height, width) of the generator.
        align: see `Align`.
        detector: finds the part.
        part: for `align="part"`, and in messages.
        margin: round the part, as its generator has learned, see `ops.boxes.square_boxes`.
        min_score: confidence from which a detection counts.
        box: given instead of `align`; its ratio must be the generator's.
        people: for `align="person"`; MediaPipe's models unless given.
        key: the setting and its value, for messages.

    Raises:
        NotFound: no such part, no clear full body, another ratio, or a window of fewer than 8 pixels.
    """
    height, width = photograph.shape[1:]
    if box is not None:
        _check_ratio((box[3] - box[1], box[2] - box[0]), size, f"{key} box={list(box)}")
        return _checked(Alignment(box, size), key)
    if align == "part":
        return _checked(Alignment(_part_box(photograph, detector, part, margin, min_score, key), size), key)
    if align == "person":
        return _checked(Alignment(_person_box(photograph, size, people or _photo_people(), key), size), key)
    if align == "whole":
        _check_ratio((height, width), size, key)
        return _checked(Alignment((0, 0, width, height), size), key)
    larger = align == "fit"
    high = max(height, round(width * size[0] / size[1])) if larger else min(height, round(width * size[0] / size[1]))
    wide = max(width, round(height * size[1] / size[0])) if larger else min(width, round(height * size[1] / size[0]))
    x0, y0 = (width - wide) // 2, (height - high) // 2
    return _checked(Alignment((x0, y0, x0 + wide, y0 + high), size), key)


def _part_box(
    photograph: Tensor, detector: Detector | None, part: str, margin: float, min_score: float, key: str
) -> Box:
    if detector is None or part not in detector.names:
        known = "there is no detector" if detector is None else f"the detector knows {', '.join(detector.names)}"
        raise NotFound(f"{key}: {part} is to be found, and {known}")
    height, width = photograph.shape[1:]
    scale = min(1.0, _DETECTED_ROWS / max(height, width))
    image = from_uint8(photograph.permute(1, 2, 0)[None])
    if scale < 1:
        smaller = (max(1, round(height * scale)), max(1, round(width * scale)))
        image = functional.interpolate(image, smaller, mode="bilinear", antialias=True, align_corners=False)
    found = detector.detect(image)[part]
    if float(found.scores[0]) < min_score or not bool(found.boxes[0].isfinite().all()):
        raise NotFound(
            f"{key}: no {part} was found in it; give its box, or align=whole for an image of the {part} alone"
        )
    boxes = found.boxes.detach().cpu().double() / torch.tensor([image.shape[3] / width, image.shape[2] / height] * 2)
    x0, y0, x1, y1 = square_boxes(boxes, margin, height, width)[0].tolist()
    return x0, y0, x1, y1


@cache
def _photo_people() -> PeopleFinder:
    return PhotoPeople()


def _person_box(photograph: Tensor, size: tuple[int, int], people: PeopleFinder, key: str) -> Box:
    """The window in which the most prominent person stands as in a prepared set; it may reach beyond the photograph."""
    found = people.find(photograph, key)
    if not found:
        raise NotFound(f"{key}: no person was found in it; give the box, or align=whole for an image of a body alone")
    try:
        frame = BodyAlignment().frame(found[0], (photograph.shape[1], photograph.shape[2]), size)
    except Rejected as reason:
        raise NotFound(f"{key}: {reason}; give the box, or align=whole for an image of a body alone") from reason
    high, wide = round(frame.high), round(frame.high * size[1] / size[0])
    x0, y0 = round(frame.x - wide / 2), round(frame.y - high / 2)
    return x0, y0, x0 + wide, y0 + high


def _check_ratio(shape: tuple[int, int], size: tuple[int, int], key: str) -> None:
    if abs(shape[0] * size[1] / max(1, shape[1] * size[0]) - 1) > _RATIO:
        raise NotFound(
            f"{key}: is {shape[0]} x {shape[1]} (height x width), and the generator draws {size[0]} x {size[1]}; "
            "let align=center or fit cut or pad it, align=part find the part, or align=person a whole body"
        )


def _checked(alignment: Alignment, key: str) -> Alignment:
    x0, y0, x1, y1 = alignment.box
    if min(x1 - x0, y1 - y0) < SMALLEST:
        raise NotFound(
            f"{key}: only {y1 - y0} x {x1 - x0} pixels of it would be taken, must be {SMALLEST} or more a side"
        )
    if (pixels := (x1 - x0) * (y1 - y0)) > limits.IMAGE_PIXELS:
        raise NotFound(
            f"{key}: {y1 - y0} x {x1 - x0} = {pixels} pixels would be taken, at most {limits.IMAGE_PIXELS} are"
        )
    return alignment


def _reflected(first: int, last: int, most: int) -> Tensor:
    """Indices first..last - 1 of a row of `most` pixels, reflected at its ends as often as needed."""
    period = max(1, 2 * most - 2)
    index = torch.arange(first, last).remainder(period)
    return torch.where(index < most, index, period - index)


def enlarged(image: Tensor, shape: tuple[int, int]) -> Tensor:
    """An image [c, h, w] at another size, bicubic, antialiased where it becomes smaller; on the CPU."""
    if image.shape[1:] == shape:
        return image.float().cpu()
    smaller = shape[0] < image.shape[1]
    found = functional.interpolate(
        image[None].float().cpu(), shape, mode="bicubic", antialias=smaller, align_corners=False
    )
    return found[0]
