import json

import numpy as np
import pytest
import torch
from PIL import Image

from insetgan.data.archive import Archive
from insetgan.data.person import PART_NAMES
from insetgan.detection.located import (
    LocatedBatch,
    LocatedImages,
    _move,
    _within,
    _without_people,
    augment,
    mirrored_order,
    unpack_masks,
)
from insetgan.runtime.errors import UserError


class Fake:
    """Three images 32 x 16; each part a bright rectangle of its own channel value."""

    size = (32, 16)

    def __len__(self):
        return 3

    def image(self, index):
        return np.full((32, 16, 3), index, np.uint8)

    def boxes(self, index):
        return {"face": (4, 1, 9, 7), "hand_left": (12, 10, 15, 14), "hand_right": None, "feet": (5, 28, 11, 31)}

    def mask(self, index, part):
        x0, y0, x1, y1 = self.boxes(index)[part]
        full = np.zeros((32, 16), bool)
        full[y0:y1, x0:x1] = True
        full[y0, x0] = False
        return full


def test_images_boxes_and_what_is_not_seen():
    data = LocatedImages(Fake(), first=1)
    image, boxes, visible = data[1]
    assert len(data) == 2
    assert image.shape == (3, 32, 16)
    assert int(image[0, 0, 0]) == 2
    assert visible.tolist() == [True, True, False, True]
    assert boxes[0].tolist() == [4, 1, 9, 7]
    assert boxes[2].tolist() == [0, 0, 0, 0]
    assert len(LocatedImages(Fake(), last=-1)) == 2


def test_masks_come_as_bits():
    *known, packed = LocatedImages(Fake(), masks=True)[1]
    assert len(known) == 3
    assert packed.dtype == torch.uint8 and packed.shape == (32, 16)
    masks = unpack_masks(packed[None])
    assert masks.shape == (1, 4, 32, 16)
    assert masks.sum((0, 2, 3)).tolist() == [29, 11, 0, 17]
    assert torch.equal(masks[0, 3].bool(), torch.from_numpy(Fake().mask(1, "feet")))


def test_parts_without_masks_say_how_to_do_without(tmp_path):
    Image.new("RGB", (8, 16)).save(tmp_path / "a.png")
    (tmp_path / "parts.json").write_text(json.dumps({"images": {"a.png": {"boxes": {"face": [0, 0, 4, 4]}}}}))
    assert len(LocatedImages(Archive(tmp_path))) == 1
    with pytest.raises(UserError, match=r"mask face of a\.png is broken .*network\.masks=false"):
        LocatedImages(Archive(tmp_path), masks=True)


@pytest.mark.parametrize(("chosen", "needed"), [({"first": 3}, 3), ({"first": 5, "last": -1}, 6)])
def test_too_few_images_are_refused_with_the_number_needed(chosen, needed):
    with pytest.raises(UserError, match=f"holds 3 images, but more than {needed} are needed"):
        LocatedImages(Fake(), **chosen)


@pytest.mark.parametrize("boxes", [None, {"head": [0, 0, 4, 4]}])
def test_images_without_any_box_teach_nothing(tmp_path, boxes):
    Image.new("RGB", (8, 16)).save(tmp_path / "a.png")
    if boxes:
        (tmp_path / "parts.json").write_text(json.dumps({"images": {"a.png": {"boxes": boxes}}}))
    with pytest.raises(UserError, match=f"data.path={tmp_path}: none of the 1 images has a box of face, "):
        LocatedImages(Archive(tmp_path))


def test_an_image_of_another_size_is_named(tmp_path):
    for name, size in (("a", (8, 16)), ("b", (8, 12))):
        Image.new("RGB", size).save(tmp_path / f"{name}.png")
    (tmp_path / "parts.json").write_text(json.dumps({"images": {"a.png": {"boxes": {"face": [0, 0, 4, 4]}}}}))
    with pytest.raises(UserError, match=rf"{tmp_path}: b\.png is 12 x 8 .* a\.png is 16 x 8"):
        LocatedImages(Archive(tmp_path), checked=False)
    with pytest.raises(UserError, match=rf"{tmp_path}: 1 of 2 .* b\.png \(12 x 8 .* not 16 x 8"):
        LocatedImages(Archive(tmp_path))
    rest = LocatedImages(Archive(tmp_path), on_fault="skip")
    assert len(rest) == 1 and rest.visible[0].tolist() == [True, False, False, False]
    assert [fault.name for fault in rest.skipped] == ["b.png"]


def test_a_mirror_swaps_the_hands():
    assert [PART_NAMES[i] for i in mirrored_order(PART_NAMES)] == ["face", "hand_right", "hand_left", "feet"]
    # A side without its other one stays, and so does a name that merely holds the letters.
    assert mirrored_order(("left_ear", "nose", "right_ear", "right_eye", "cleft")) == [2, 1, 0, 3, 4]


def painted(count, box):
    """White images 64 x 32 with a black rectangle, which is the left hand."""
    images = torch.ones(count, 3, 64, 32)
    images[:, :, box[1] : box[3], box[0] : box[2]] = -1
    boxes = torch.zeros(count, 4, 4)
    boxes[:, 1] = torch.tensor(box, dtype=torch.float32)
    visible = torch.zeros(count, 4, dtype=torch.bool)
    visible[:, 1] = True
    masks = torch.zeros(count, 4, 64, 32)
    masks[:, 1, box[1] : box[3], box[0] : box[2]] = 1
    return LocatedBatch(images, boxes, visible, masks)


def test_boxes_move_with_the_pixels():
    moved = _move(painted(40, (10, 24, 20, 40)), torch.Generator().manual_seed(0), mirrored_order(PART_NAMES))
    mirrored = 0
    for image, boxes, visible in zip(moved.images, moved.boxes, moved.visible, strict=True):
        (part,) = visible.nonzero().flatten().tolist()
        mirrored += PART_NAMES[part] == "hand_right"
        rows, columns = (image[0] < 0).nonzero(as_tuple=True)
        seen = torch.tensor([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        torch.testing.assert_close(boxes[part], seen.float(), atol=1.01, rtol=0)
    assert 8 < mirrored < 32


@pytest.mark.parametrize("box", [(10, 24, 20, 40), (2, 3, 30, 20), (0, 20, 12, 40)])
def test_masks_move_with_boxes_and_pixels(box):
    """The tight box of a moved mask is the moved box, also where the frame cuts it, and the mask covers the moved part."""
    moved = _move(painted(40, box), torch.Generator().manual_seed(0), mirrored_order(PART_NAMES))
    for image, boxes, visible, masks in zip(*moved, strict=True):
        (part,) = visible.nonzero().flatten().tolist()
        assert [int(column) for column in (masks > 0.5).any((1, 2)).nonzero()] == [part]
        rows, columns = (masks[part] > 0.5).nonzero(as_tuple=True)
        tight = torch.tensor([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        torch.testing.assert_close(boxes[part], tight.float(), atol=1.01, rtol=0)
        inner = masks[part] > 0.99
        assert image[:, inner].max() < -0.9


def test_masks_cost_no_random_numbers():
    """Weights that were trained before there were masks can be trained again."""
    batch = painted(6, (10, 24, 20, 40))
    with_masks = augment(batch, torch.Generator().manual_seed(3))
    without = augment(batch._replace(masks=None), torch.Generator().manual_seed(3))
    assert without.masks is None
    assert all(torch.equal(a, b) for a, b in zip(with_masks[:3], without[:3], strict=True))


def test_a_part_that_leaves_the_frame_is_not_visible():
    moved = _move(painted(60, (0, 0, 3, 3)), torch.Generator().manual_seed(1), mirrored_order(PART_NAMES))
    area = (moved.boxes[..., 2:] - moved.boxes[..., :2]).prod(-1).amax(1)
    gone = ~moved.visible.any(1)
    assert 0 < gone.sum() < 60
    assert area[gone].max() < area[~gone].min() + 9


def test_images_without_people_have_no_parts():
    batch = _without_people(painted(30, (10, 24, 20, 40)), torch.Generator().manual_seed(0), 1.0)
    assert not batch.visible.any()
    assert not batch.masks.any()
    assert batch.images.shape == (30, 3, 64, 32)


@pytest.mark.parametrize("seed", [0, 1])
def test_augment_is_a_function_of_its_generator(seed):
    batch = painted(6, (10, 24, 20, 40))
    one, two, other = (augment(batch, torch.Generator().manual_seed(s)) for s in (seed, seed, seed + 1))
    assert torch.equal(one.images, two.images)
    assert not torch.equal(one.images, other.images)
    assert one.images.abs().max() <= 1
    same = painted(6, (10, 24, 20, 40))
    assert all(torch.equal(a, b) for a, b in zip(batch, same, strict=True)), "the batch given is left alone"


@pytest.mark.parametrize(
    ("bound", "count", "expected"),
    [
        (-200, 1000, -200), (-200, 200, -40), (-200, 12, -2), (-2, 2, -1), (-1, 1, -1), (0, 5, 0), (None, 5, None),
    ],
)  # fmt: skip
def test_of_few_images_a_fifth_validates(bound, count, expected):
    assert _within(bound, count) == expected


def test_a_few_images_are_split_and_it_is_said():
    both = LocatedImages(Fake(), last=-200), LocatedImages(Fake(), first=-200)
    assert [len(each) for each in both] == [2, 1]
    assert all("holds 3 images only, so that the last 1 validate" in each.notes for each in both)
