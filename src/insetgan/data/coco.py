"""Boxes and masks in the format of COCO, which CVAT, labelme, FiftyOne and pycocotools read and write.

::

    {"info": {"recipe": {...}},
     "images": [{"id": 1, "file_name": "00000/img00000000.webp", "height": H, "width": W}, ...],
     "categories": [{"id": 1, "name": "face"}, ...],
     "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [x, y, width, height], "area": pixels,
                      "iscrowd": 0, "segmentation": {"size": [H, W], "counts": "<run lengths>"}}, ...]}

A category is a part. A part that an image has no annotation of is not visible in it. Masks are run lengths of the whole
image, compressed or as a list, or polygons [[x, y, x, y, ...], ...]; they may be left out. https://cocodataset.org/#format-data
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pycocotools import mask as coco_mask
from pydantic import BaseModel, Field, PositiveInt, Strict, ValidationError, field_validator

from insetgan.data.annotations import Annotations, Box, Mask
from insetgan.data.coco_fields import refuse_misspelt

COCO_FILE = "annotations.json"
"""What archives that are made here call the file."""

_NAMES = re.compile(r"(.*/)?(annotations|labels|_annotations\.coco|instances_[^/]*)\.json")

_Whole = Annotated[int, Strict()]  # text is no number
_Pixels = Annotated[float, Strict(), Field(ge=-1e9, le=1e9, allow_inf_nan=False)]  # sums of two stay numbers
_Coordinates = Annotated[list[_Pixels], Field(min_length=6)]
_Numbers = tuple[_Pixels, _Pixels, _Pixels, _Pixels]


class _Image(BaseModel):
    id: _Whole
    file_name: str
    height: Annotated[PositiveInt, Strict()]
    width: Annotated[PositiveInt, Strict()]


class _Category(BaseModel):
    id: _Whole
    name: str


class Runs(BaseModel):
    """Run lengths of a mask, column by column."""

    size: tuple[PositiveInt, PositiveInt]
    counts: str | list[Annotated[int, Strict(), Field(ge=0)]]


class Annotation(BaseModel):
    """A box of a part, with its mask or without."""

    image_id: _Whole
    category_id: _Whole
    bbox: _Numbers
    segmentation: Runs | list[_Coordinates] | None = None
    iscrowd: _Whole | Annotated[bool, Strict()] = 0

    @field_validator("bbox")
    @classmethod
    def _has_a_size(cls, bbox: _Numbers) -> _Numbers:
        if min(bbox[2:]) < 0:
            raise ValueError("width and height must be 0 or more")
        return bbox


class Coco(BaseModel):
    """The content of a file in COCO's format, as far as it is used."""

    images: list[_Image]
    categories: list[_Category]
    annotations: list[Annotation]
    info: dict[str, Any] = {}


def is_coco_name(name: str) -> bool:
    """Whether a file of this name holds annotations: as made here or by labelme, FiftyOne, Roboflow, CVAT or COCO."""
    return _NAMES.fullmatch(name) is not None


def coco_annotations(boxes: Mapping[str, Box | None], masks: Mapping[str, Mask]) -> list[dict[str, Any]]:
    """Annotations of one image, with the names of parts in place of ids: of every part that has a box.

    Args:
        boxes: by part, None where it is not visible.
        masks: by part, of the whole image [H, W].
    """
    found = []
    for part, box in boxes.items():
        if box is None:
            continue
        x0, y0, x1, y1 = map(int, box)
        runs = coco_mask.encode(np.asfortranarray(masks[part], np.uint8))
        found.append(
            {
                "category": part,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": int(masks[part].sum()),
                "iscrowd": 0,
                "segmentation": {"size": list(runs["size"]), "counts": runs["counts"].decode("ascii")},
            }
        )
    return found


def coco_table(
    images: Mapping[str, Iterable[Mapping[str, Any]]],
    *,
    size: tuple[int, int],
    parts: Sequence[str],
    recipe: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of an annotation file.

    Args:
        images: the `coco_annotations` of each image, by its name.
        size: (H, W) of the images.
        parts: names of the parts.
        recipe: how the images were made.
    """
    ids = {part: number for number, part in enumerate(parts, start=1)}
    annotations: list[dict[str, Any]] = []
    for image_id, entries in enumerate(images.values(), start=1):
        for entry in entries:
            fields = {key: value for key, value in entry.items() if key != "category"}
            known = {"id": len(annotations) + 1, "image_id": image_id, "category_id": ids[entry["category"]]}
            annotations.append(known | fields)
    return {
        "info": {"recipe": dict(recipe)},
        "images": [
            {"id": number, "file_name": name, "height": size[0], "width": size[1]}
            for number, name in enumerate(images, start=1)
        ],
        "categories": [{"id": number, "name": part} for part, number in ids.items()],
        "annotations": annotations,
    }


def parse_coco(file: str, table: Any) -> Coco:
    """Check the form of a file.

    Args:
        file: its name, for messages.
        table: the parsed file.

    Raises:
        ValueError: it has another form, or an optional field of an annotation is misspelt.
    """
    refuse_misspelt(file, table, list(Annotation.model_fields))
    try:
        return Coco.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise ValueError(f"{file} is not in COCO's format ({place}: {first['msg']})") from error


def read_coco(file: str, table: Any, names: set[str]) -> Annotations:
    """Annotations from the content of a file in COCO's format.

    Boxes are widened to whole pixels. Of several boxes of a part in an image the largest is taken, and annotations of crowds
    are passed over; a note says how often.

    Args:
        file: its name in the archive, for messages.
        table: the parsed file.
        names: of the images in the archive. A `file_name` may leave out leading folders of them.

    Raises:
        ValueError: the file has another form, an id is unknown or there twice, or images with boxes have several sizes.
    """
    coco = parse_coco(file, table)
    categories = {category.id: category.name for category in coco.categories}
    images = {image.id: image for image in coco.images}
    for kind, found in (("images", coco.images), ("categories", coco.categories)):
        if len({each.id for each in found}) < len(found):
            raise ValueError(f"{file} has two {kind} of one id")
    if len(set(categories.values())) < len(categories):
        raise ValueError(f"{file} has two categories of one name")
    places, notes = _places(file, coco.images, names)
    boxes: dict[str, dict[str, Box | None]] = {name: {} for name in places.values()}
    masks: dict[str, dict[str, Any]] = defaultdict(dict)
    crowds = further = 0
    for annotation in coco.annotations:
        if annotation.image_id not in images or annotation.category_id not in categories:
            raise ValueError(
                f"{file} has an annotation of image_id {annotation.image_id} and category_id {annotation.category_id}, "
                "which are not both among its images and categories"
            )
        name, part = places.get(annotation.image_id), categories[annotation.category_id]
        if annotation.iscrowd or name is None:
            crowds += annotation.iscrowd > 0
            continue
        box, before = whole_pixels(annotation.bbox), boxes[name].get(part)
        further += before is not None
        if before is None or _area(box) > _area(before):
            boxes[name][part], masks[name][part] = box, annotation.segmentation
    notes += [f"{file}: {crowds} annotations of crowds are passed over"] if crowds else []
    notes += [f"{file}: {further} further boxes of a part in one image; the largest box counts"] if further else []
    recipe = coco.info.get("recipe")
    return Annotations(
        file=file,
        size=_one_size(file, [images[number] for number in places], any(boxes.values())),
        parts=tuple(categories.values()),
        recipe=recipe if isinstance(recipe, dict) else None,
        boxes=boxes,
        masks=masks,
        decode=decode_mask,
        notes=tuple(notes),
    )


def _places(file: str, images: Sequence[_Image], names: set[str]) -> tuple[dict[int, str], list[str]]:
    """Name in the archive of each image by its id, and a note about images that are not there."""
    endings: dict[str, list[str]] = defaultdict(list)
    for name in names:
        folders = name.split("/")
        for start in range(1, len(folders)):
            endings["/".join(folders[start:])].append(name)
    places: dict[int, str] = {}
    strange: list[str] = []
    for image in images:
        wanted = image.file_name.replace("\\", "/")
        found = [wanted] if wanted in names else endings.get(wanted, [])
        if len(found) > 1:
            raise ValueError(f"{file}: file_name {wanted} may be {found[0]} or {found[1]}; give it with its folder")
        if found:
            places[image.id] = found[0]
        else:
            strange.append(wanted)
    if len(set(places.values())) < len(places):
        raise ValueError(f"{file} has two images of one file_name")
    if not strange:
        return places, []
    return places, [f"{file} has entries for {len(strange)} images that are not there, the first {min(strange)}"]


def _one_size(file: str, images: Sequence[_Image], needed: bool) -> tuple[int, int] | None:
    sizes = {(image.height, image.width): image.file_name for image in images}
    if len(sizes) > 1 and needed:
        (first, name), (second, other) = list(sizes.items())[:2]
        raise ValueError(
            f"{file}: boxes need images of one size (height x width), but {name} is {first[0]} x {first[1]} and {other} is "
            f"{second[0]} x {second[1]}"
        )
    return next(iter(sizes)) if len(sizes) == 1 else None


def whole_pixels(bbox: _Numbers) -> Box:
    """The smallest box of whole pixels round [x, y, width, height]; a thousandth of a pixel is rounding."""
    x, y, width, height = (round(value, 3) for value in bbox)
    return math.floor(x), math.floor(y), math.ceil(round(x + width, 3)), math.ceil(round(y + height, 3))


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def decode_mask(stored: Runs | list[list[float]], box: Box, size: tuple[int, int]) -> Mask:
    """Mask [H, W] of run lengths or polygons. Raises ValueError where they do not fit the image."""
    height, width = size
    if isinstance(stored, Runs):
        if stored.size != size:
            raise ValueError(f"its size is {list(stored.size)}, that of the image [{height}, {width}]")
        if isinstance(stored.counts, list):
            if sum(stored.counts) != height * width:
                raise ValueError(f"mask runs sum to {sum(stored.counts)}, the image holds {height * width} pixels")
            return np.repeat(np.arange(len(stored.counts)) % 2 == 1, stored.counts).reshape(size, order="F")
        return _decode_text(stored.counts, height, width)
    if not stored:
        raise ValueError("there is a box but no mask")
    for polygon in stored:
        beyond = min(polygon) < -1 or max(polygon[::2]) > width + 1 or max(polygon[1::2]) > height + 1
        if len(polygon) % 2 or beyond:
            raise ValueError(f"a polygon must be x, y, x, y, ... within the image, {height} x {width} (height x width)")
    runs = coco_mask.merge(coco_mask.frPyObjects(stored, height, width))
    return np.asarray(coco_mask.decode(runs), bool)


def _decode_text(counts: str, height: int, width: int) -> Mask:
    data = counts.encode("ascii")
    # pycocotools refuses runs that are too long, but leaves the pixels behind runs that are too short as they come from memory.
    # Runs that fill the image exactly are too long for an image of one pixel less.
    try:
        coco_mask.decode({"size": [height * width - 1, 1], "counts": data})
    except ValueError:
        return np.asarray(coco_mask.decode({"size": [height, width], "counts": data}), bool)
    raise ValueError(f"mask runs do not fill the image's {height * width} pixels")
