"""A refinement as a film: composites kept while the solver runs, laid out with close-ups when they are encoded."""

import errno
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from itertools import repeat
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from insetgan.ops.images import to_uint8
from insetgan.ops.regions import Blend
from insetgan.ops.titles import PAPER
from insetgan.refine.composition import compose
from insetgan.refine.problem import Result, Step
from insetgan.reports.sheet import close_up
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import write_whole

SMALLEST = 256  # pixels of the shorter side of a frame; smaller canvases are enlarged
GAP = 4  # pixels between the images of a frame
QUALITY = 14  # x264's constant rate factor: about where a seam looks as it does in the PNG
BROKEN = "the film could not be written whole; is the disk full?"
FPS = 12.0
HOLD = 1.0  # seconds for which the last frame stands

ENCODER = {
    "codec": "libx264",
    "pixelformat": "yuv420p",
    "quality": None,
    "macro_block_size": 2,
    "ffmpeg_log_level": "fatal",
    # The format is named, since the name beside ends in .tmp; the index goes first, so that browsers start at once.
    "output_params": ["-crf", str(QUALITY), "-preset", "medium", "-movflags", "+faststart", "-f", "mp4"],
}

Pixels = NDArray[np.uint8]
Box = tuple[int, ...]


@dataclass(frozen=True)
class _Shot:
    """One sample at one step: its composite as it is, [H, W, 3], and the boxes of the parts that are there."""

    index: int
    image: Pixels
    boxes: Mapping[str, Box]


class Recorder:
    """Keeps composites of the samples of a batch; an `on_step` of the solver.

    A batch begins with step 0, at which what was kept of the one before is forgotten.

    Args:
        every: steps from one frame to the next, at least 1.
        blend: how the insets are composed.
        limit: bytes to keep at most. Where a batch would need more, every second frame goes and `every` doubles for the
            rest of it, so that time still runs evenly.
    """

    def __init__(self, every: int, *, blend: Blend = "paste", limit: int = 1 << 30) -> None:
        if every < 1:
            raise ValueError(f"every={every}: must be at least 1")
        self.every, self.blend, self.limit = every, blend, limit
        self._spacing = every
        self._shots: dict[int, list[_Shot]] = {}

    @torch.no_grad()
    def __call__(self, step: Step) -> None:
        """Keep the composites of a step whose turn it is."""
        if step.index == 0:
            self._shots, self._spacing = {}, self.every
        if step.index % self._spacing:
            return
        view, regions = step.view, step.view.locations.regions
        composites = to_uint8(compose(view.canvas.image, view.insets.images, regions, self.blend)).numpy()
        boxes = {part: region.boxes.tolist() for part, region in regions.items()}
        present = {part: region.present.tolist() for part, region in regions.items()}
        # A sample whose numbers have just run away has no image.
        for row in step.total.isfinite().nonzero()[:, 0].tolist():
            there = {part: tuple(boxes[part][row]) for part in boxes if present[part][row]}
            # A copy, since a view would keep the images of the whole batch alive.
            self._shots.setdefault(row, []).append(_Shot(step.index, composites[row].copy(), there))
        self._thin()

    def finish(self, result: Result) -> None:
        """Let every film end with the image that is kept: the best state, which need not be the last.

        Args:
            result: of the batch, its samples in the order of the batch.
        """
        refined = to_uint8(result.refined).numpy()
        for row, shots in self._shots.items():
            boxes = {part: tuple(box[row].tolist()) for part, box in result.boxes.items() if result.present[part][row]}
            shots.append(_Shot(shots[-1].index + 1, refined[row].copy(), boxes))

    def frames(self, row: int) -> "Film":
        """Frames of a sample: the composite, then a close-up of each part, all of one height.

        Args:
            row: number of the sample in its batch.

        Returns:
            uint8 [h, w, 3], all of one size, both sides even and at least 256; none where the sample never ran.
        """
        return Film(self._shots.get(row, []))

    def tensors(self, after: int) -> dict[str, Tensor]:
        """What is kept of the steps behind number `after`, as `load` takes it.

        Returns:
            "<step>/<row>": uint8 [H, W, 3]; "<step>/<row>/<number>/<part>": the box, int64 [4]; "film.spacing": steps
            between frames.
        """
        kept = {"film.spacing": torch.tensor(self._spacing)}
        for row, shots in self._shots.items():
            for shot in shots:
                if shot.index > after:
                    kept[f"{shot.index}/{row}"] = torch.from_numpy(shot.image)
                    for number, (part, box) in enumerate(shot.boxes.items()):
                        kept[f"{shot.index}/{row}/{number}/{part}"] = torch.tensor(box)
        return kept

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Forget what is kept, and keep what `tensors` gave, of one call or of several; other tensors are left alone."""
        self._shots, self._spacing = {}, int(tensors["film.spacing"])
        images: dict[tuple[int, int], Tensor] = {}
        boxes: dict[tuple[int, int], dict[int, tuple[str, Box]]] = {}
        for name, tensor in tensors.items():
            step, *rest = name.split("/", 3)
            if not step.isdecimal() or int(step) % self._spacing:
                continue
            place = int(step), int(rest[0])
            if len(rest) == 1:
                images[place] = tensor
            else:
                boxes.setdefault(place, {})[int(rest[1])] = rest[2], tuple(tensor.tolist())
        for place in sorted(images):
            there = boxes.get(place, {})
            shot = _Shot(place[0], images[place].numpy().copy(), dict(there[number] for number in sorted(there)))
            self._shots.setdefault(place[1], []).append(shot)

    def _thin(self) -> None:
        while self._spacing < 1 << 30 and self._size() > self.limit:
            self._spacing *= 2
            for row, shots in self._shots.items():
                self._shots[row] = [shot for shot in shots if shot.index % self._spacing == 0]

    def _size(self) -> int:
        return sum(shot.image.nbytes for shots in self._shots.values() for shot in shots)


class Film(Sequence[Pixels]):
    """Frames of a sample, each laid out when it is asked for: laid out, all of them would fill the memory.

    Args:
        shots: what was kept of the sample.
    """

    def __init__(self, shots: Sequence[_Shot]) -> None:
        self.shots = tuple(shots)
        self.parts = list(dict.fromkeys(part for shot in shots for part in shot.boxes))

    def __len__(self) -> int:
        return len(self.shots)

    @overload
    def __getitem__(self, index: int) -> Pixels: ...

    @overload
    def __getitem__(self, index: slice) -> list[Pixels]: ...

    def __getitem__(self, index: int | slice) -> Pixels | list[Pixels]:
        if isinstance(index, slice):
            return [_frame(shot, self.parts) for shot in self.shots[index]]
        return _frame(self.shots[index], self.parts)


def write_mp4(path: Path, frames: Iterable[Pixels], fps: float = FPS) -> None:
    """Encode frames as `encode_mp4` does, into a file that appears whole or not at all.

    Raises:
        UserError, ValueError, OSError: see `encode_mp4`.
    """
    write_whole(path, lambda beside: encode_mp4(beside, frames, fps))


def find_encoder(setting: str = "video=true") -> tuple[Any, Any]:
    """Import the packages that encode: `imageio.v3` and `imageio_ffmpeg`.

    Args:
        setting: that asks for a film, for the message.

    Raises:
        UserError: they are not installed, or bring no program for this machine.
    """
    try:
        # By name, since only one of the two says what its types are, and that for other plugins than this one.
        imageio: Any = import_module("imageio.v3")
        imageio_ffmpeg: Any = import_module("imageio_ffmpeg")
        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise UserError(f"{setting}: needs imageio and imageio-ffmpeg: pip install -e '.[video]'") from error
    return imageio, imageio_ffmpeg


def encode_mp4(path: Path, frames: Iterable[Pixels], fps: float = FPS) -> None:
    """Encode frames as H.264; the last one stands for a second.

    Args:
        path: the file, with any ending.
        frames: uint8 [h, w, 3], at least one, all of one size, both sides even; taken one at a time.
        fps: frames a second, above 0.

    Raises:
        UserError: the packages that encode are not installed.
        ValueError: there are no frames.
        OSError: it cannot be encoded or written.
    """
    imageio, imageio_ffmpeg = find_encoder()
    shown = _Held(frames, round(HOLD * fps))
    try:
        with (
            imageio.imopen(str(path), "w", plugin="FFMPEG", extension=".mp4") as file,
            # Closed by us: by itself it would leave the encoder running when a frame raises.
            closing(file.legacy_get_writer(fps=fps, **ENCODER)) as writer,
        ):
            for frame in shown:
                writer.append_data(frame)
    except OSError as error:
        raise OSError(errno.EIO, BROKEN, str(path)) from error
    if not shown.count:
        raise ValueError("no frames")
    # Nothing reads the encoder's exit code, so a disk that is full at the very end would leave half a film.
    if _count(imageio_ffmpeg, path) != shown.count:
        raise OSError(errno.EIO, BROKEN, str(path))


class _Held:
    """Frames, the last of them `more` times over, and how many went out."""

    def __init__(self, frames: Iterable[Pixels], more: int) -> None:
        self.frames, self.more, self.count = frames, more, 0

    def __iter__(self) -> Iterator[Pixels]:
        frame = None
        for frame in self.frames:
            self.count += 1
            yield frame
        if frame is not None:
            self.count += self.more
            yield from repeat(frame, self.more)


def _count(imageio_ffmpeg: Any, film: Path) -> int:
    try:
        return int(imageio_ffmpeg.count_frames_and_secs(str(film))[0])
    except (OSError, RuntimeError):
        return 0


def _frame(shot: _Shot, parts: Sequence[str]) -> Pixels:
    image = Image.fromarray(shot.image)
    # A whole factor, so that all pixels of a small canvas are enlarged alike.
    wide = image.width + len(parts) * image.height
    factor = math.ceil(max(SMALLEST / image.height, SMALLEST / wide, 1))
    height, width = (2 * math.ceil(side * factor / 2) for side in (image.height, image.width))
    frame = Image.new("RGB", (width + len(parts) * (GAP + height), height), PAPER)
    frame.paste(image.resize((width, height), Image.Resampling.BICUBIC), (0, 0))
    for number, part in enumerate(parts):
        if part in shot.boxes:  # a part may come into sight, or go, while the canvas changes
            frame.paste(close_up(image, shot.boxes[part], height), (width + GAP + number * (GAP + height), 0))
    return np.asarray(frame)
