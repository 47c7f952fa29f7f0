"""Image files: their size, their pixels, and whether they are whole; upright as EXIF says, in colour."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from insetgan.data.reading import PLAIN, Reading
from insetgan.runtime import limits
from insetgan.runtime.reading import size_text

Pixels = npt.NDArray[np.uint8]
Shape = tuple[int, int]
Window = tuple[int, int, int, int]

ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".tfrecords", ".h5", ".lmdb")
"""Endings of files that hold many images, and are none."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF's orientation
_GREY, _ALPHA = ("1", "L", "LA", "La"), ("RGBA", "LA", "PA", "La", "RGBa")
_PNG_DEPTH, _PNG_COLOUR, _PNG_GREY, _PNG_END = 24, 25, (0, 4), b"IEND\xaeB`\x82"

# `open_image` has a bound of its own, and refuses where Pillow warns, or warns and goes on.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class Facts(NamedTuple):
    """What an image is.

    Attributes:
        shape: (H, W), upright.
        kinds: what is changed on reading it, of `reading.KINDS`.
    """

    shape: Shape
    kinds: frozenset[str] = frozenset()


@contextmanager
def open_image(source: Path | bytes | IO[bytes]) -> Iterator[Image.Image]:
    """Open an image; all of this project's images are opened here.

    Args:
        source: its path, its bytes, or a stream of a file whose size is known to be within bounds.

    Raises:
        ValueError: no PNG, JPEG or WebP by its content, or beyond `limits.IMAGE_BYTES` or `limits.IMAGE_PIXELS`.
        OSError: it cannot be read, or is damaged.
    """
    if isinstance(source, Path):
        if source.exists() and not source.is_file():
            raise ValueError("is no file")
        size = source.stat().st_size
        stream: IO[bytes] = source.open("rb")
    else:
        size = len(source) if isinstance(source, bytes) else 0
        stream = io.BytesIO(source) if isinstance(source, bytes) else source
    if size > limits.IMAGE_BYTES:
        raise ValueError(f"holds {size_text(size)}, at most {size_text(limits.IMAGE_BYTES)} are read")
    try:
        opened = Image.open(stream, formats=limits.FORMATS)
    except UnidentifiedImageError as error:
        raise UnidentifiedImageError("not a whole PNG, JPEG or WebP") from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"has more than {limits.IMAGE_PIXELS} pixels") from error
    with opened as image:
        if (pixels := image.width * image.height) > limits.IMAGE_PIXELS:
            raise ValueError(
                f"has {image.height} x {image.width} = {pixels} pixels, at most {limits.IMAGE_PIXELS} are read"
            )
        yield image


def read_rgb(path: Path) -> Image.Image:
    """Read an image that this project wrote, as RGB. Raises what `open_image` does."""
    with open_image(path) as image:
        return image.convert("RGB")


def read_facts(stream: IO[bytes]) -> Facts:
    """What an image is, from its header. Raises nearly anything when it is damaged, as Pillow does."""
    with open_image(stream) as image:
        kinds = _kinds(image, _png_header(stream) if image.format == "PNG" else b"")
        return Facts(_shape(image), kinds)


def read_pixels(
    data: bytes, reading: Reading = PLAIN, *, least: Shape | None = None, window: Window | None = None
) -> tuple[Pixels, Shape]:
    """Decode an image; of an animation the first.

    Args:
        data: the file.
        reading: how it becomes RGB.
        least: (H, W) below which a JPEG must not be decoded; where it is larger by twice or more, it is decoded at 1/2,
            1/4 or 1/8 of its size, which is faster. None decodes everything at its own size.
        window: (x0, y0, x1, y1), half-open pixels of the whole upright image, to take only that; not with `least`.

    Returns:
        uint8 [H, W, 3], and the (H, W) of the whole image at its own size.

    Raises:
        Exception: nearly anything when it is damaged, as Pillow does.
        ValueError: greyscale where that is refused.
    """
    with open_image(data) as image:
        shape, turn = _shape(image), _turn(image)
        if reading.grey == "refuse" and _is_grey(image, data):
            raise ValueError("greyscale")
        if least is not None:
            height, width = _sides(turn, least)
            image.draft("RGB", (width, height))
        upright = image.transpose(_UPRIGHT[turn]) if turn in _UPRIGHT else image
        seen = upright if window is None else upright.crop(window)
        return np.array(_coloured(seen, reading)), shape


def examine(data: bytes, reading: Reading = PLAIN) -> Facts:
    """Decode an image wholly, only to know that one can.

    Returns:
        Its shape, and what is changed on reading it.

    Raises:
        Exception: nearly anything when it is damaged, as Pillow does.
        ValueError: it is stored as greyscale where that is refused, or its end is missing.
    """
    with open_image(data) as image:
        shape = _shape(image)
        kinds = _kinds(image, data)
        if "grey" in kinds and reading.grey == "refuse":
            raise ValueError("greyscale")
        if image.format == "PNG" and data.rfind(_PNG_END) < 0:  # Pillow is content when it has the last pixel
            raise ValueError("truncated, the end of the file is missing")
        image.load()
        if "alpha" in kinds and image.convert("RGBA").getchannel("A").getextrema()[0] == 255:
            kinds -= {"alpha"}  # a channel that hides nothing
        return Facts(shape, kinds)


def why(error: BaseException) -> str:
    """Say in one line why an image could not be read."""
    return " ".join(str(error).split()) or type(error).__name__


def _coloured(image: Image.Image, reading: Reading) -> Image.Image:
    """As RGB, over the background where it is transparent."""
    if image.mode.startswith("I"):  # 65 535 becomes 255
        if "transparency" in image.info:
            raise ValueError("greyscale of 16 bits of which one value is transparent")
        return Image.fromarray((np.asarray(image).astype(np.float32) / 257).round().astype(np.uint8)).convert("RGB")
    if not _has_alpha(image):
        return image.convert("RGB")
    whole = Image.new("RGBA", image.size, (*reading.colour, 255))
    whole.alpha_composite(image.convert("RGBA"))
    return whole.convert("RGB")


def _kinds(image: Image.Image, data: bytes) -> frozenset[str]:
    is_png = image.format == "PNG"
    found = {
        "grey": _is_grey(image, data),
        "alpha": _has_alpha(image),
        "cmyk": image.mode == "CMYK",
        "palette": image.mode in ("P", "PA"),
        "deep": image.mode.startswith("I") or (is_png and data[_PNG_DEPTH] == 16),
        # The further images of a camera's MPO are views of the same moment, not frames.
        "animated": image.format != "MPO" and getattr(image, "n_frames", 1) > 1,
    }
    return frozenset(name for name, is_so in found.items() if is_so)


def _is_grey(image: Image.Image, data: bytes) -> bool:
    stored = image.format == "PNG" and data[_PNG_COLOUR] in _PNG_GREY
    return image.mode in _GREY or image.mode.startswith("I") or stored


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in _ALPHA or ("transparency" in image.info and not image.mode.startswith("I"))


def _png_header(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read(_PNG_COLOUR + 1)


def _shape(image: Image.Image) -> Shape:
    return _sides(_turn(image), (image.height, image.width))


def _sides(turn: int, shape: Shape) -> Shape:
    """Height and width, exchanged where EXIF lays the image on its side."""
    return (shape[1], shape[0]) if turn >= 5 else shape


def _turn(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8, as far as the header tells: in a PNG it may also stand behind the pixels."""
    if "exif" not in image.info:
        return 1
    try:
        turn = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # what cameras write there is as often broken as whole, and Pillow raises anything
        return 1
    return int(turn) if turn in _UPRIGHT else 1
