"""Frames of a film that shows one image after the other."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FILM_HEIGHT = 512
"""Pixels that a frame has at least; smaller images are enlarged by a whole factor."""


def film_frames(images: Iterable[Image.Image]) -> Iterator[NDArray[np.uint8]]:
    """Yield images, all of one size, as frames that `video.encode_mp4` takes: both sides even, small ones enlarged."""
    for image in images:
        factor = max(1, -(-FILM_HEIGHT // image.height))
        size = (image.width * factor // 2 * 2, image.height * factor // 2 * 2)
        yield np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC))
