"""Picture files: their size, their pixels, and whether they are whole; upright as EXIF says, in colour."""

import io
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

Picture = npt.NDArray[np.uint8]
Shape = tuple[int, int]
Window = tuple[int, int, int, int]

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF's orientation
_GREY = ("1", "L", "LA", "La", "I", "F")
_PNG_COLOUR, _PNG_GREY, _PNG_END = 25, (0, 4), b"IEND\xaeB`\x82"


def read_shape(stream: IO[bytes]) -> Shape:
    """(H, W) of a picture from its header. Raises nearly anything when it is damaged, as Pillow does."""
    with Image.open(stream) as picture:
        return _shape(picture)


def read_pixels(data: bytes, *, least: Shape | None = None, window: Window | None = None) -> tuple[Picture, Shape]:
    """Decode a picture; of an animation the first.

    Args:
        data: the file.
        least: (H, W) below which a JPEG must not be decoded; where it is larger by twice or more, it is decoded at 1/2,
            1/4 or 1/8 of its size, which is faster. None decodes everything at its own size.
        window: (x0, y0, x1, y1), half-open pixels of the whole upright picture, to take only that; not with `least`.

    Returns:
        uint8 [H, W, 3], and the (H, W) of the whole picture at its own size.

    Raises:
        Exception: nearly anything when it is damaged, as Pillow does.
        ValueError: greyscale of 16 bits or more, which has no meaning in 8.
    """
    with Image.open(io.BytesIO(data)) as picture:
        shape, turn = _shape(picture), _turn(picture)
        if picture.mode in ("I", "F") or picture.mode.startswith("I;"):
            raise ValueError("greyscale of more than 8 bits")
        if least is not None:
            height, width = _sides(turn, least)
            picture.draft("RGB", (width, height))
        upright = picture.transpose(_UPRIGHT[turn]) if turn in _UPRIGHT else picture
        seen = upright if window is None else upright.crop(window)
        return np.array(seen.convert("RGB")), shape


def examine(data: bytes) -> Shape:
    """Decode a picture wholly, only to know that one can.

    Returns:
        Its (H, W).

    Raises:
        Exception: nearly anything when it is damaged, as Pillow does.
        ValueError: it is stored as greyscale, or its end is missing.
    """
    with Image.open(io.BytesIO(data)) as picture:
        shape = _shape(picture)
        is_png = picture.format == "PNG"
        if picture.mode in _GREY or picture.mode.startswith("I;") or (is_png and data[_PNG_COLOUR] in _PNG_GREY):
            raise ValueError("greyscale")
        if is_png and data.rfind(_PNG_END) < 0:  # Pillow is content when it has the last pixel
            raise ValueError("truncated, the end of the file is missing")
        picture.load()
        return shape


def why(error: BaseException) -> str:
    """Say in one line why a picture could not be read."""
    if isinstance(error, UnidentifiedImageError):
        return "not a whole picture"
    return " ".join(str(error).split()) or type(error).__name__


def _shape(picture: Image.Image) -> Shape:
    return _sides(_turn(picture), (picture.height, picture.width))


def _sides(turn: int, shape: Shape) -> Shape:
    """Height and width, exchanged where EXIF lays the picture on its side."""
    return (shape[1], shape[0]) if turn >= 5 else shape


def _turn(picture: Image.Image) -> int:
    """EXIF's orientation, 1 to 8, as far as the header tells: in a PNG it may also stand behind the pixels."""
    if "exif" not in picture.info:
        return 1
    try:
        turn = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # what cameras write there is as often broken as whole, and Pillow raises anything
        return 1
    return int(turn) if turn in _UPRIGHT else 1
