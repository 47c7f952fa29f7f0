"""Drawings of what was found in a photograph: boxes with their confidence, points, and the person's outline."""

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn import functional

from insetgan.detection.people import Person

COLOURS = {
    "face": (230, 60, 60), "hand_left": (40, 160, 80), "hand_right": (50, 110, 220), "feet": (230, 150, 20),
    "person": (150, 150, 150),
}  # fmt: skip
_OTHER, _MASK, _POINT = (160, 60, 200), (255, 255, 255), (255, 230, 60)
_SHADE = 0.45  # of what does not belong to a person


def draw_people(image: Tensor, people: list[Person], *, most: int = 1024) -> Image.Image:
    """Draw what was found.

    Args:
        image: uint8 [3, h, w].
        people: from a `PeopleFinder`.
        most: pixels of the longer side of the drawing.

    Returns:
        The image, shrunk, darker where no mask is, with a box and a confidence for each part and the points of bodies.
    """
    height, width = image.shape[1:]
    factor = min(1.0, most / max(height, width))
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    pixels = functional.interpolate(image[None].float(), size, mode="bilinear", antialias=factor < 1)[0]
    masks = [person.mask for person in people if person.mask is not None]
    if masks:
        shown = functional.interpolate(torch.stack(masks).amax(dim=0)[None, None], size, mode="bilinear")[0]
        pixels = pixels * (_SHADE + (1 - _SHADE) * shown)
    drawn = Image.fromarray(pixels.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy())
    letters = max(10, min(size) // 40)
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(size=letters)
    line = max(1, round(max(size) / 400))
    for person in people:
        _draw_points(pen, person, factor, line)
        for name, box in person.boxes.items():
            colour, corners = COLOURS.get(name, _OTHER), tuple(value * factor for value in box.box)
            pen.rectangle(corners, outline=colour, width=line)
            text = f"{name} {box.score:.2f}"
            left, top = corners[0], max(corners[1] - letters - 3, 0)
            pen.rectangle((left, top, left + font.getlength(text) + 4, top + letters + 3), fill=colour)
            pen.text((left + 2, top), text, _MASK, font)
    return drawn


def _draw_points(pen: ImageDraw.ImageDraw, person: Person, factor: float, line: int) -> None:
    points = []
    if person.pose is not None:
        points.append(person.pose.points[person.pose.visible >= 0.5])
    if person.face is not None:
        points.append(person.face)
    for x, y in np.concatenate(points).tolist() if points else []:
        x, y, radius = x * factor, y * factor, line + 1
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_POINT)
