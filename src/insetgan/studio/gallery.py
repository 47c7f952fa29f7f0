"""Pictures of seeds, drawn once."""

import threading
from collections import OrderedDict

from PIL import Image

from insetgan.library import draw
from insetgan.networks.synthesiser import Synthesiser
from insetgan.ops.images import to_uint8

MORE = 12
"""Seeds that are drawn together, and by which a gallery grows."""

MOST_SEEDS = 240
"""Seeds of a gallery at most; any other seed can be typed."""

TALLEST = 256
"""Pixels of a picture's longer side at most."""

_MOST_KEPT = 2000


class SeedGallery:
    """Draws seeds of a generator, and keeps what it has drawn; several threads may ask.

    Args:
        generator: what draws.
    """

    def __init__(self, generator: Synthesiser) -> None:
        self.generator = generator
        self._drawn: OrderedDict[tuple[int, float], Image.Image] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False

    def pictures(self, count: int, psi: float) -> list[tuple[Image.Image, str]]:
        """The pictures of the seeds 0, 1, ..., with what each is called.

        Args:
            count: how many; `MOST_SEEDS` at most are drawn.
            psi: truncation.

        Returns:
            None of them when the gallery is closed meanwhile.
        """
        wanted = [(seed, round(psi, 3)) for seed in range(min(count, MOST_SEEDS))]
        with self._lock:
            missing = [key for key in wanted if key not in self._drawn]
            for start in range(0, len(missing), MORE):
                if self._closed:
                    return []
                self._draw(missing[start : start + MORE], psi)
            found = [(self._drawn[key], f"seed {key[0]}") for key in wanted]
            for key in wanted:
                self._drawn.move_to_end(key)
            while len(self._drawn) > _MOST_KEPT:
                self._drawn.popitem(last=False)
        return found

    def close(self) -> None:
        """Draw no more, and wait until what is being drawn is done: torch must not compute while the program ends."""
        self._closed = True
        with self._lock:
            pass

    def _draw(self, keys: list[tuple[int, float]], psi: float) -> None:
        images = to_uint8(draw(self.generator, [seed for seed, _ in keys], psi)).numpy()
        for key, pixels in zip(keys, images, strict=True):
            picture = Image.fromarray(pixels)
            picture.thumbnail((TALLEST, TALLEST))
            self._drawn[key] = picture
