"""People whose boxes and masks stand in a file of COCO's format, by the names of the photographs."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from insetgan.data.coco import Annotation, Coco, decode_mask, parse_coco, whole_pixels
from insetgan.detection.part_box import PartBox
from insetgan.detection.people import PERSON_NAME, Person
from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import read_path
from insetgan.runtime.reading import parse_json, read_file


class CocoPeople:
    """Finds the person of a photograph in a file that a labelling tool wrote: each category is a part, `person` the whole.

    Of several boxes of a category in an image the largest is taken, as for archives. Photographs that the file does not
    know show no person.

    Args:
        path: of the file.

    Raises:
        UserError: no such file, not in COCO's format, or two images of one name.
    """

    def __init__(self, path: str | Path | None) -> None:
        if path is None:
            raise UserError("finder.path=null: must be a file in COCO's format, such as annotations.json")
        self.path = read_path(path, key="finder.path")
        try:
            coco = parse_coco(self.path.name, parse_json(read_file(self.path, limits.JSON_BYTES)))
        except (OSError, ValueError) as error:
            raise UserError(f"finder.path={path}: {getattr(error, 'strerror', None) or error}") from error
        self._parts = {category.id: category.name for category in coco.categories}
        self._sizes = {_plain(image.file_name): (image.height, image.width) for image in coco.images}
        if len(self._sizes) < len(coco.images):
            raise UserError(f"finder.path={path}: has two images of one file_name")
        self._annotations = _by_name(coco)

    @property
    def names(self) -> tuple[str, ...]:
        """The categories of the file."""
        return tuple(dict.fromkeys(self._parts.values()))

    def files(self) -> Sequence[Path]:
        """The file."""
        return [self.path]

    def find(self, image: Tensor, name: str) -> list[Person]:
        """What the file says of the image uint8 [3, h, w] of this name, or of the last part of this name.

        Raises:
            ValueError: the file gives the image another size, or a mask does not fit.
        """
        known = next((key for key in (_plain(name), PurePosixPath(_plain(name)).name) if key in self._sizes), None)
        if known is None:
            return []
        size = (image.shape[1], image.shape[2])
        if self._sizes[known] != size:
            raise ValueError(f"{self.path.name} gives it {self._sizes[known]} (height, width), but it has {size}")
        boxes: dict[str, PartBox] = {}
        mask = None
        for annotation in self._annotations[known]:
            x, y, width, height = annotation.bbox
            box, part = PartBox((x, y, x + width, y + height), 1.0), self._parts[annotation.category_id]
            if part not in boxes or box.area > boxes[part].area:
                boxes[part] = box
                if part == PERSON_NAME and annotation.segmentation is not None:
                    found = decode_mask(annotation.segmentation, whole_pixels(annotation.bbox), size)
                    mask = torch.from_numpy(found.copy()).float()
        return [Person(boxes, mask)] if boxes else []


def _by_name(coco: Coco) -> dict[str, list[Annotation]]:
    names = {image.id: _plain(image.file_name) for image in coco.images}
    categories = {category.id for category in coco.categories}
    found: dict[str, list[Annotation]] = defaultdict(list)
    for annotation in coco.annotations:
        if not annotation.iscrowd and annotation.image_id in names and annotation.category_id in categories:
            found[names[annotation.image_id]].append(annotation)
    return found


def _plain(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./")
