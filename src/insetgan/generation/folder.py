"""Generated images in their result folder: drawn in blocks, and written while the next block is drawn."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from insetgan.generation.plan import Plan
from insetgan.networks.synthesiser import Synthesiser
from insetgan.ops.images import encode_png, to_uint8
from insetgan.runtime.store import Layout, ResultFolder
from insetgan.runtime.threads import processors

LAYOUT = Layout(
    kind="generate",
    title="images",
    pieces=r"(seed|mix-|frame)[\w.-]*\.png|block-[0-9a-f]{16}\.json",
    folder="images",
    gathered=("results.json", "grid.png", "walk.mp4"),
)
_WRITERS = 8
"""Threads that encode and write, at most. Encoding and writing leave Python's lock alone for nearly all of their time."""


class Block:
    """Neighbouring images of a plan, which are drawn together; a result of the folder.

    Args:
        names: of all images of the plan.
        first: number of its first image.
        last: number behind its last one.
    """

    def __init__(self, names: Sequence[str], first: int, last: int) -> None:
        self.names, self.first, self.last = list(names[first:last]), first, last
        # Named after its images, so that a longer list of seeds finds the blocks of a shorter one again.
        self.key = "block-" + hashlib.sha256("\n".join(self.names).encode()).hexdigest()[:16]


def blocks_of(plan: Plan, size: int) -> list[Block]:
    """The blocks of a plan: always the same ones, so that a run that goes on draws what an unbroken one would have drawn."""
    names = plan.names
    return [Block(names, first, min(first + size, len(names))) for first in range(0, len(names), size)]


class Images:
    """The images of a run.

    Args:
        folder: in which they are kept.
    """

    def __init__(self, folder: ResultFolder) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Where an image lies."""
        return self.folder.results / f"{name}.png"

    def unfinished(self, blocks: Iterable[Block]) -> list[Block]:
        """The blocks of which something is missing or damaged."""
        return [block for block in blocks if not self.folder.finished(block.key)]

    def draw(
        self, generator: Synthesiser, plan: Plan, blocks: Sequence[Block], on_images: Callable[[int], None]
    ) -> None:
        """Draw blocks and write them.

        Args:
            generator: on the device that computes.
            plan: of the run.
            blocks: that are to be drawn.
            on_images: called with the number of images that are written since the last call.

        Raises:
            OSError: a file cannot be written.
        """
        with ThreadPoolExecutor(min(_WRITERS, processors())) as pool:
            waiting: deque[tuple[Future[None], int]] = deque()
            for block, pixels in _drawn(generator, plan, blocks):
                waiting.append((pool.submit(self._write, block, pixels), len(pixels)))
                while waiting and (waiting[0][0].done() or len(waiting) > 2 * _WRITERS):
                    future, count = waiting.popleft()
                    future.result()
                    on_images(count)
            for future, count in waiting:
                future.result()
                on_images(count)

    def _write(self, block: Block, pixels: Tensor) -> None:
        grey = pixels.shape[3] == 1
        pieces = {
            f"{name}.png": encode_png(image[..., 0] if grey else image)
            for name, image in zip(block.names, pixels, strict=True)
        }
        self.folder.add(block.key, pieces)


@torch.inference_mode()
def _drawn(generator: Synthesiser, plan: Plan, blocks: Sequence[Block]) -> Iterator[tuple[Block, Tensor]]:
    """Blocks with their images, uint8 [n, h, w, c] on the CPU."""
    for block in blocks:
        yield block, to_uint8(generator.render(plan.latents(generator, block.first, block.last)))
