"""Boxes and masks in COCO's format: as written here, read by pycocotools, and as other programs write them."""

import copy
import json
import zipfile

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from insetgan.data.archive import Archive
from insetgan.data.coco import coco_annotations, coco_table, read_coco
from insetgan.data.crops import PartCrops
from insetgan.data.writer import ArchiveWriter
from insetgan.runtime.errors import UserError

H, W = 6, 4
MASK = np.zeros((H, W), bool)
MASK[1:4, 1] = MASK[2, 2] = True
"""Column by column: 7 zeros, 3 ones, 4 zeros, 1 one, 9 zeros."""
RUNS = [7, 3, 4, 1, 9]


def table(*annotations, **changes):
    """A file of one image, a.png, with the categories face (5) and feet (9)."""
    return {
        "images": [{"id": 3, "file_name": "a.png", "height": H, "width": W}],
        "categories": [{"id": 5, "name": "face", "supercategory": ""}, {"id": 9, "name": "feet"}],
        "annotations": list(annotations),
    } | changes


def note(bbox=(1, 1, 2, 3), **changes):
    return {"id": 1, "image_id": 3, "category_id": 5, "bbox": list(bbox)} | changes


def read(content, names=("a.png",)):
    return read_coco("annotations.json", content, set(names))


def test_annotations_by_hand():
    (found,) = coco_annotations({"face": (1, 1, 3, 4), "feet": None}, {"face": MASK})
    assert found["bbox"] == [1, 1, 2, 3] and found["area"] == 4 and found["iscrowd"] == 0
    assert found["segmentation"]["size"] == [H, W]
    by_hand = coco_mask.frPyObjects({"size": [H, W], "counts": RUNS}, H, W)
    assert found["segmentation"]["counts"] == by_hand["counts"].decode()


def test_an_archive_made_here_is_read_by_pycocotools(tmp_path, encoded):
    writer = ArchiveWriter(tmp_path / "a.zip", size=(16, 8), parts=("face", "feet"), recipe={"seed": 4})
    mask = np.zeros((16, 8), bool)
    mask[2:7, 1:5] = True
    mask[3, 3] = False
    with writer:
        writer.add("00000/a.png", encoded(), {"face": (1, 2, 5, 7), "feet": None}, {"face": mask})
        writer.add("00000/b.png", encoded(seed=1), {"face": None, "feet": (0, 0, 8, 16)}, {"feet": ~mask})
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        file.extract("annotations.json", tmp_path)
    coco = COCO(str(tmp_path / "annotations.json"))
    assert [coco.imgs[number]["file_name"] for number in coco.getImgIds()] == ["00000/a.png", "00000/b.png"]
    face, feet = coco.loadAnns(coco.getAnnIds())
    assert coco.cats[face["category_id"]]["name"] == "face" and coco.cats[feet["category_id"]]["name"] == "feet"
    assert np.array_equal(coco.annToMask(face), mask) and face["bbox"] == [1, 2, 4, 5] and face["area"] == 19

    archive = Archive(tmp_path / "a.zip")
    assert archive.size == (16, 8) and archive.parts == ("face", "feet") and archive.recipe == {"seed": 4, "count": 2}
    assert archive.boxes(0) == {"face": (1, 2, 5, 7), "feet": None}
    assert archive.boxes(1) == {"face": None, "feet": (0, 0, 8, 16)}
    assert np.array_equal(archive.mask(0, "face"), mask) and np.array_equal(archive.mask(1, "feet"), ~mask)
    assert not archive.mask(1, "face").any() and archive.notes == []


@pytest.mark.parametrize(
    "stored",
    [
        {"size": [H, W], "counts": RUNS},
        {"size": [H, W], "counts": coco_mask.frPyObjects({"size": [H, W], "counts": RUNS}, H, W)["counts"].decode()},
    ],
)
def test_masks_of_both_kinds_of_runs(stored):
    found = read(table(note(segmentation=stored)))
    assert found.boxes == {"a.png": {"face": (1, 1, 3, 4)}} and found.size == (H, W) and found.parts == ("face", "feet")
    assert np.array_equal(found.mask("a.png", "face", (H, W)), MASK)


def test_polygons_are_filled_and_joined():
    rectangles = [[0, 0, 2, 0, 2, 3, 0, 3], [3, 4, 4, 4, 4, 6, 3, 6]]
    expected = np.zeros((H, W), bool)
    expected[0:3, 0:2] = expected[4:6, 3:4] = True
    assert np.array_equal(read(table(note(segmentation=rectangles))).mask("a.png", "face", (H, W)), expected)


@pytest.mark.parametrize(
    ("bbox", "box"),
    [
        ((1, 1, 2, 3), (1, 1, 3, 4)),
        ((0.5, 1.25, 1.2, 2.5), (0, 1, 2, 4)),
        ((0.1, 0.2, 2.9000000001, 3.8), (0, 0, 3, 4)),
    ],
)
def test_boxes_are_widened_to_whole_pixels(bbox, box):
    assert read(table(note(bbox))).boxes["a.png"]["face"] == box


def test_the_largest_of_several_boxes_counts_and_crowds_do_not():
    small, large = note((0, 0, 1, 1)), note((1, 1, 2, 3), segmentation={"size": [H, W], "counts": RUNS})
    for order in ([small, large], [large, small]):
        found = read(table(*order, note((0, 0, 4, 6), iscrowd=1)))
        assert found.boxes["a.png"]["face"] == (1, 1, 3, 4)
        assert np.array_equal(found.mask("a.png", "face", (H, W)), MASK)
        assert found.notes == (
            "annotations.json: 1 annotations of crowds are passed over",
            "annotations.json: 1 further boxes of a part in one image; the largest box counts",
        )


def test_names_may_leave_out_leading_folders():
    assert read(table(note()), ["images/a.png", "images/ba.png"]).boxes == {"images/a.png": {"face": (1, 1, 3, 4)}}
    with pytest.raises(ValueError, match=r"file_name a\.png may be .* or .*; give it with its folder"):
        read(table(note()), ["x/a.png", "y/a.png"])
    gone = read(table(note()), ["b.png"])
    assert gone.boxes == {} and gone.notes == (
        "annotations.json has entries for 1 images that are not there, the first a.png",
    )


@pytest.mark.parametrize(
    "name", ["annotations.json", "labels.json", "annotations/instances_default.json", "_annotations.coco.json"]
)
def test_files_of_other_programs_are_found(tmp_path, encoded, name):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(encoded(height=H, width=W))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(json.dumps(table(note((1, 1, 3, 3)))))
    crops = PartCrops(tmp_path, "face", 3, 3, margin=0.0, smallest=1)
    assert crops.boxes.tolist() == [[1, 1, 4, 4]] and crops.notes == []
    (tmp_path / "parts.json").write_text("{}")
    with pytest.raises(UserError, match="both hold boxes; only one of them may be there"):
        Archive(tmp_path)


IMAGE = {"id": 3, "file_name": "a.png", "height": H, "width": W}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "not in COCO's format"),
        ({"images": [], "annotations": []}, "categories: Field required"),
        (table(note(bbox=(1, 2, 3))), r"annotations\.0\.bbox"),
        (table(note(bbox=(1, 2, 3, float("nan")))), r"annotations\.0\.bbox\.3"),
        (table(note(segmentation=[[1, 2, 3, 4]])), r"annotations\.0\.segmentation"),
        (table(note(segmentation={"size": [H, W], "counts": [-1, 25]})), r"annotations\.0\.segmentation"),
        (table(images=[IMAGE | {"height": 0}]), r"images\.0\.height"),
        (table(images=[IMAGE, IMAGE | {"file_name": "b.png"}]), "two images of one id"),
        (table(images=[IMAGE, IMAGE | {"id": 4}]), "two images of one file_name"),
        (table(categories=[{"id": 1, "name": "face"}, {"id": 1, "name": "feet"}]), "two categories of one id"),
        (table(categories=[{"id": 1, "name": "face"}, {"id": 2, "name": "face"}]), "two categories of one name"),
        (table(note(image_id=8)), "annotation of image_id 8 and category_id 5"),
        (table(note(category_id=8)), "annotation of image_id 3 and category_id 8"),
        (
            table(note(), images=[IMAGE, IMAGE | {"id": 4, "file_name": "b.png", "width": 5}]),
            "a.png is 6 x 4 and b.png is 6 x 5",
        ),
    ],
)
def test_other_forms_are_named(content, said):
    assert read(table(note())).has_boxes
    with pytest.raises(ValueError, match=said):
        read(content, ["a.png", "b.png"])


GOOD = coco_annotations({"face": (1, 1, 3, 4)}, {"face": MASK})[0]["segmentation"]["counts"]


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ({"size": [W, H], "counts": RUNS}, r"size is \[4, 6\]"),
        ({"size": [H, W], "counts": [7, 3, 4, 1]}, "sum to 15"),
        ({"size": [H, W], "counts": [7, 3, 4, 1, 10**12]}, "the image holds 24"),
        ({"size": [H, W], "counts": GOOD[:-1]}, "do not fill"),
        ({"size": [H, W], "counts": GOOD + "1"}, "RLE"),
        ({"size": [H, W], "counts": ""}, "do not fill"),
        ({"size": [H, W], "counts": "é"}, "ascii"),
        ([[0, 0, 2, 0, 2, 3, 0]], "polygon"),
        ([[0, 0, 2, 0, 2, 1e9]], "polygon"),
        ([], "no mask"),
        (None, "no mask"),
    ],
)
def test_masks_that_do_not_fit_are_named(tmp_path, encoded, stored, said):
    (tmp_path / "a.png").write_bytes(encoded(height=H, width=W))
    content = table(note(segmentation=stored))
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=f"mask face of a.png is broken .*{said}"):
        Archive(tmp_path).mask(0, "face")


def test_a_box_beyond_the_image_and_another_size_are_named(tmp_path, encoded):
    (tmp_path / "a.png").write_bytes(encoded(height=H, width=W))
    (tmp_path / "annotations.json").write_text(json.dumps(table(note((1, 1, 3.5, 3)))))
    with pytest.raises(UserError, match=r"box \[1, 1, 5, 4\] of face in a\.png must be .* x1 <= 4"):
        Archive(tmp_path)
    changed = copy.deepcopy(table(note()))
    changed["images"][0]["width"] = 5
    (tmp_path / "annotations.json").write_text(json.dumps(changed))
    with pytest.raises(UserError, match=r"a\.png is 6 x 4 \(height x width\), but annotations\.json says 6 x 5"):
        Archive(tmp_path)


def test_what_is_written_is_what_is_read():
    images = {"b.png": [], "a.png": coco_annotations({"feet": (1, 1, 3, 4)}, {"feet": MASK})}
    content = json.loads(json.dumps(coco_table(images, size=(H, W), parts=("face", "feet"), recipe={"x": 1})))
    found = read(content, ["a.png", "b.png"])
    assert found.boxes == {"b.png": {}, "a.png": {"feet": (1, 1, 3, 4)}} and found.recipe == {"x": 1}
    assert np.array_equal(found.mask("a.png", "feet", (H, W)), MASK)
