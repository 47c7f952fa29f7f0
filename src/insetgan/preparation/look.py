"""Looks at photographs and draws what the finder sees in them."""

import io
from collections.abc import Sequence
from pathlib import Path

from insetgan.preparation.drawing import draw_people
from insetgan.preparation.inputs import find_inputs, read_photo
from insetgan.preparation.source import FileSource, Task
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import make_folder, write_whole


class LookSource(FileSource):
    """Draws what is found in each photograph, and says it: part, confidence and box in pixels of the file."""

    name = "look"

    def idle(self, path: Path) -> dict[str, str]:
        """As of every source, and what makes an archive."""
        makes = "source=look makes no archive, but a drawing of each photograph, of its size, as PNG"
        keys = ("data.height", "data.width", "data.workers", "data.image_format", "data.quality", "overwrite")
        return {**super().idle(path), **dict.fromkeys(keys, makes)}

    def run(self, task: Task) -> Sequence[str]:
        """Write one drawing for each photograph into a folder, `outputs/look` unless another is given.

        Files that cannot be read are named, and the others are drawn.

        Raises:
            UserError: no file can be read.
        """
        assert task.finder is not None
        inputs = find_inputs(task.path, task.limit)
        folder = task.out or Path("outputs/look")
        if folder.exists() and not folder.is_dir():
            raise UserError(f"out={folder}: is a file; look writes its drawings into a folder")
        lines = list(inputs.notes)
        unread: list[str] = []
        for done, name in enumerate(inputs.names, start=1):
            try:
                photo = read_photo(inputs.folder / name, task.reading)
                people = task.finder.find(photo.pixels, name)
            except ValueError as error:
                unread.append(f"{name}: not looked at ({error})")
                lines.append(unread[-1])
                task.on_progress(done, len(inputs.names))
                continue
            stream = io.BytesIO()
            draw_people(photo.pixels, people).save(stream, "PNG")
            path = folder / f"{name}.png"  # in folders as the photographs are, so that no two share a name
            make_folder(path.parent)
            write_whole(path, stream.getvalue())
            scale = photo.shape[0] / photo.pixels.shape[1]
            lines.append(f"{name}: {photo.shape[0]} x {photo.shape[1]}, {_counted(len(people))}, drawn in {path}")
            for number, person in enumerate(people, start=1):
                for part, box in person.boxes.items():
                    corners = ", ".join(f"{value * scale:.0f}" for value in box.box)
                    lines.append(f"  {number}: {part} {box.score:.2f} [{corners}]")
            task.on_progress(done, len(inputs.names))
        if len(unread) == len(inputs.names):
            raise UserError(f"data.input={task.path}: none of {len(unread)} files can be looked at; {unread[0]}")
        return lines


def _counted(count: int) -> str:
    return "no person was found" if not count else f"{count} person{'s' if count > 1 else ''}"
