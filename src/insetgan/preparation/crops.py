"""One part as a set of its own, from an archive with boxes or from photographs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field

from insetgan.data.archive import Archive
from insetgan.data.crops import PartCrops
from insetgan.data.fill import write_archive
from insetgan.data.person import PART_NAMES
from insetgan.data.reading import PLAIN, Reading
from insetgan.data.writer import ArchiveWriter, encode_image, image_name
from insetgan.detection.people import PeopleFinder
from insetgan.ops.boxes import MARGIN
from insetgan.preparation.frame import Frame
from insetgan.preparation.gather import Made, gather
from insetgan.preparation.inputs import Photo
from insetgan.preparation.source import FileSource, Task
from insetgan.preparation.verdict import Rejected
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.settings import settings


@settings
class CropsSource(FileSource):
    """Cuts out squares round one part: by the boxes of an archive, or of what the finder sees in photographs.

    From photographs each square has the full resolution that the camera gave it, where an archive has that of its images.
    """

    part: Annotated[str, Field(description="what is cut out, such as face, hand_left or feet")] = "face"
    margin: Annotated[float, Field(gt=-0.5, le=4, description="added on every side, of the longer side of the box")] = (
        MARGIN
    )
    mirror: Annotated[bool, Field(description="flip the squares left to right, so that one set serves both hands")] = (
        False
    )
    enlarge: Annotated[float, Field(gt=0, le=64, description="times that a part may be enlarged at most")] = 2.0
    duplicates: Annotated[
        Literal["drop", "keep"], Field(description="photographs that look like an earlier one: dropped, or only named")
    ] = "drop"

    name = "crops"

    def idle(self, path: Path) -> dict[str, str]:
        """As of every source; from an archive with boxes also what is for photographs."""
        known = super().idle(path)
        if path.is_dir() or path.suffix.lower() == ".zip":
            if _archive_with_boxes(path, PLAIN) is not None:
                said = f"is for photographs, and data.input={path} has boxes"
                return {**known, "finder": said, "source.duplicates": said}
        return known

    def run(self, task: Task) -> Sequence[str]:
        """Write the archive; from photographs the table of reasons and the sheet too, see `gather.gather`."""
        if task.width not in (None, task.height):
            raise UserError(f"data.height={task.height} data.width={task.width}: crops are square")
        out = task.out or Path(f"outputs/data/{self.part}-{task.height}x{task.height}.zip")
        archive = _archive_with_boxes(task.path, task.reading)
        if archive is not None:
            self._refuse_unknown((*PART_NAMES, *archive.parts))
            return self._from_archive(archive, task, out)
        assert task.finder is not None
        self._refuse_unknown(getattr(task.finder, "names", ()))
        maker = CropMaker(task.finder, task.height, self.part, self.margin, self.mirror, self.enlarge)
        return gather(
            replace(task, out=out),
            maker,
            name=self.name,
            parts=(),
            size=(task.height, task.height),
            settings={"part": self.part, "margin": self.margin, "mirror": self.mirror, "enlarge": self.enlarge},
            duplicates=self.duplicates,
        )

    def _refuse_unknown(self, known: Sequence[str]) -> None:
        """Refuse a part that is none of those that are known; where none are known, everything goes.

        Raises:
            UserError: naming those that there are.
        """
        if known and self.part not in known:
            raise UserError(f"source.part={self.part}: must be one of {', '.join(dict.fromkeys(known))}")

    def _from_archive(self, archive: Archive, task: Task, out: Path) -> list[str]:
        smallest = max(1, round(task.height / self.enlarge / (1 + 2 * self.margin)))
        flip = [self.part] if self.mirror else []
        try:
            crops = PartCrops(
                archive, self.part, task.height, task.height, self.margin, smallest, flip=flip, on_fault="skip"
            )
        except UserError as error:  # of training sets, whose setting has another name
            raise UserError(str(error).replace("data.path=", "data.input=", 1)) from error
        count = len(crops) if task.limit is None else min(len(crops), task.limit)
        names = [image_name(index, task.image_format) for index in range(count)]
        made = {"source": self.name, "part": self.part, "margin": self.margin, "mirror": self.mirror}
        stored = {"format": task.image_format, "quality": task.quality, "enlarge": self.enlarge}
        of = fingerprint({}, archives=[archive.path], code=False)[:16]
        size = (task.height, task.height)
        writer = ArchiveWriter(
            out, size=size, parts=(), recipe={**made, **stored, "inputs": of}, overwrite=task.overwrite
        )
        make = partial(_write_crop, writer, crops, task.image_format, task.quality)
        written = write_archive(writer, names, make, workers=task.workers, on_progress=task.on_progress)
        faulty = f"{len(crops.skipped)} images are faulty and left out, the first {next(iter(crops.skipped), '')}"
        lines = [*crops.notes, *([faulty] if crops.skipped else [])]
        if count < len(crops):
            lines.append(f"data.num_images={count}: the first {count} of {len(crops)} crops are taken")
        said = "" if written else "already made, "
        lines.append(f"{self.part} of {len(crops)} of {len(archive)} images is {smallest} pixels or more")
        return [*lines, f"{out}: {said}{count} images of {size[0]} x {size[1]}, {out.stat().st_size / 2**20:.1f} MB"]


@dataclass(frozen=True)
class CropMaker:
    """Cuts a part out of a photograph; see `CropsSource` for its settings.

    Attributes:
        finder: finds the people.
        side: of the square image.
    """

    finder: PeopleFinder
    side: int
    part: str
    margin: float = MARGIN
    mirror: bool = False
    enlarge: float = 2.0

    def make(self, photo: Photo, name: str) -> Made:
        """The square round the part of the most prominent person who shows it.

        Raises:
            Rejected: no person shows it, or it is too small.
        """
        people = self.finder.find(photo.pixels, name)
        found = [person.boxes[self.part] for person in people if self.part in person.boxes]
        if not found:
            raise Rejected(f"no {self.part} was found" if people else "no person was found")
        x0, y0, x1, y1 = found[0].box
        side = max(x1 - x0, y1 - y0) * (1 + 2 * self.margin)
        frame = Frame((x0 + x1) / 2, (y0 + y1) / 2, side, (self.side, self.side))
        if frame.scale > self.enlarge:
            raise Rejected(f"too small: would be enlarged {frame.scale:.1f} times, source.enlarge={self.enlarge:g}")
        pixels = frame.sample(photo.pixels).round().clamp(0, 255).to(torch.uint8)
        pixels = pixels.flip(2) if self.mirror else pixels
        return Made(pixels.permute(1, 2, 0).contiguous().numpy(), scores={self.part: found[0].score})


def _write_crop(writer: ArchiveWriter, crops: PartCrops, image_format: str, quality: int, index: int) -> None:
    image = crops[index]
    assert isinstance(image, torch.Tensor)
    data = encode_image(image.permute(1, 2, 0).numpy(), image_format, quality)
    writer.add(image_name(index, image_format), data, {}, {})


def _archive_with_boxes(path: Path, reading: Reading) -> Archive | None:
    """The archive at the path, if it is one and has boxes."""
    if not path.exists():
        raise UserError(f"data.input={path}: no such file or folder")
    if path.is_file() and path.suffix.lower() != ".zip":
        return None
    if path.is_dir() and not any(path.glob("*.json")):
        return None
    archive = Archive(path, reading)
    if not archive.has_boxes and path.is_file():
        raise UserError(f"data.input={path}: has no boxes; crops need them, or a folder of photographs")
    return archive if archive.has_boxes else None
