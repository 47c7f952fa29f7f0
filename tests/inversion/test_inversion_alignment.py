from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from insetgan.detection.detector import FixedBoxes
from insetgan.detection.part_box import PartBox
from insetgan.detection.people import Person
from insetgan.detection.poses import ANKLES, HEELS, HIPS, KNEES, SHOULDERS, TOES, Pose
from insetgan.inversion.alignment import Alignment, NotFound, align_image
from insetgan.inversion.given import changes, content_digest, find_images
from insetgan.ops.boxes import square_boxes
from insetgan.preparation.alignment import BodyAlignment
from insetgan.runtime.errors import UserError


def photograph(height=60, width=40):
    return torch.from_numpy(np.random.RandomState(0).randint(0, 256, (3, height, width), dtype=np.uint8))


def test_a_window_of_the_same_size_is_taken_and_put_back_to_the_bit():
    photo, alignment = photograph(), Alignment((5, 7, 21, 23), (16, 16))
    image = alignment.take(photo)
    assert torch.equal(((image + 1) * 127.5).round().to(torch.uint8), photo[:, 7:23, 5:21])
    assert torch.equal(alignment.put_back(photo, image), photo)


def test_outside_the_window_and_at_weight_zero_the_photograph_stays():
    photo, alignment = photograph(), Alignment((4, 4, 36, 36), (16, 16))
    weight = torch.zeros(1, 16, 16)
    weight[:, 8:] = 1
    back = alignment.put_back(photo, torch.ones(3, 16, 16), weight)
    changed = (back != photo).any(0)
    assert not changed[:4].any() and not changed[36:].any() and not changed[:, :4].any() and not changed[:, 36:].any()
    assert torch.equal(back[:, 4:17, 4:36], photo[:, 4:17, 4:36])  # weight 0, but for a blur at its edge
    assert (back[:, 24:36, 4:36] == 255).all()


def test_beyond_its_border_the_photograph_is_reflected():
    photo = torch.arange(4, dtype=torch.uint8).mul(10).expand(3, 4, 4).contiguous()
    image = Alignment((-2, 0, 6, 4), (4, 8)).take(photo)
    assert ((image[0, 0] + 1) * 127.5).round().tolist() == [20, 10, 0, 10, 20, 30, 20, 10]


def test_boxes_go_back_to_pixels_of_the_photograph():
    assert Alignment((10, 20, 74, 84), (16, 16)).box_back((4, 2, 8, 16)) == (26, 28, 42, 84)


def test_the_part_is_cut_as_its_generator_has_learned():
    photo = photograph()
    detector = FixedBoxes({"face": [10, 12, 22, 28]})
    found = align_image(photo, (16, 16), "part", detector=detector, margin=0.25)
    assert list(found.box) == square_boxes(torch.tensor([[10, 12, 22, 28]]), 0.25, 60, 40)[0].tolist()


def test_large_photographs_are_searched_at_a_smaller_size():
    class Right:
        names = ("face",)

        def detect(self, images):
            assert max(images.shape[2:]) == 1024
            return FixedBoxes({"face": [0.5 * images.shape[3], 0, images.shape[3], 0.25 * images.shape[2]]}).detect(
                images
            )

    photo = torch.zeros(3, 2048, 1024, dtype=torch.uint8)
    assert align_image(photo, (16, 16), "part", detector=Right(), margin=0.0).box == (512, 0, 1024, 512)


@pytest.mark.parametrize(
    ("align", "box"), [("center", (0, 10, 40, 50)), ("fit", (-10, 0, 50, 60))], ids=["center", "fit"]
)
def test_other_ratios_are_cut_or_padded(align, box):
    assert align_image(photograph(), (16, 16), align).box == box


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"align": "whole"}, "is 60 x 40"),
        ({"align": "whole", "box": (0, 0, 20, 30)}, r"box=\[0, 0, 20, 30\]: is 30 x 20"),
        ({"align": "whole", "box": (0, 0, 4, 4)}, "8 or more"),
        ({"align": "whole", "box": (0, 0, 30_000, 30_000)}, "900000000 pixels would be taken, at most"),
        ({"align": "part"}, "there is no detector"),
        ({"align": "part", "detector": FixedBoxes({"hand": [0, 0, 9, 9]})}, "the detector knows hand"),
        ({"align": "part", "detector": FixedBoxes({"face": [0, 0, 9, 9]}), "min_score": 1.1}, "no face was found"),
    ],
)
def test_what_cannot_be_aligned_is_named(arguments, message):
    with pytest.raises(NotFound, match=message):
        align_image(photograph(), (16, 16), **arguments)


class Told:
    """Finds the people that it is told of."""

    def __init__(self, *people):
        self.people = list(people)

    def find(self, image, name):
        return self.people

    def files(self):
        return []


def test_a_person_stands_as_in_a_prepared_set():
    """A body of 1000 x 800: the window is the frame that `prepare.py` would take, in whole pixels."""
    points, visible = np.full((33, 2), 150.0), np.ones(33)
    points[:, 0] = 300
    for numbers, row in ((SHOULDERS, 220), (HIPS, 420), (KNEES, 600), (ANKLES, 820), (HEELS, 840), (TOES, 850)):
        points[list(numbers)] = [[330, row], [270, row]]
    face = np.array([[285, 110], [315, 110], [300, 125], [300, 146], [260, 110], [340, 110]])
    boxes = {"face": PartBox((260, 60, 340, 160), 0.9), "person": PartBox((200, 60, 400, 900), 0.9)}
    person = Person(boxes, None, Pose(0.9, 0.9, points, visible, torch.zeros(1000, 800)), face)
    frame = BodyAlignment().frame(person, (1000, 800), (256, 128))
    found = align_image(photograph(1000, 800), (256, 128), "person", people=Told(person))
    assert found.size == (256, 128)
    x0, y0, x1, y1 = found.box
    assert (x0 + x1) / 2 == pytest.approx(300, abs=1), "the body's axis is the middle column"
    assert (y1 - y0, x1 - x0) == (round(frame.high), round(frame.high / 2))
    assert (y0 + y1) / 2 == pytest.approx(frame.y, abs=1)


@pytest.mark.parametrize(
    ("people", "why"),
    [((), "no person was found"), ((Person({"face": PartBox((0, 0, 9, 9), 0.9)}),), "a face without a body")],
)
def test_what_has_no_clear_body_is_named(people, why):
    with pytest.raises(NotFound, match=why):
        align_image(photograph(), (16, 8), "person", people=Told(*people))


def test_images_are_found_in_files_folders_and_patterns(tmp_path):
    for name in ("b.png", "a.JPG", "sub/b.png", "no.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name, format="PNG")
    assert [each.name for each in find_images(str(tmp_path))] == ["a", "b", "b-2"]
    Image.new("RGB", (8, 8)).save(tmp_path / "b-2.png")
    names = [
        each.name for each in find_images([f"{tmp_path}/{name}" for name in ("b-2.png", "sub/b.png", "b.png", "a.JPG")])
    ]
    assert names == ["b-2", "b", "b-3", "a"], "each has a name of its own"
    (tmp_path / "b-2.png").unlink()
    assert [each.path.name for each in find_images(f"{tmp_path}/*.png")] == ["b.png"]
    assert len(find_images([f"{tmp_path}/b.png", f"{tmp_path}/sub"])) == 2
    with pytest.raises(UserError, match=r"image=.*none\*: no image there"):
        find_images(f"{tmp_path}/none*")


def test_what_is_passed_over_or_changed_is_said(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    Image.new("RGBA", (8, 8), (9, 9, 9, 0)).save(tmp_path / "b.png")
    for name in ("scan.tif", "old.bmp"):
        (tmp_path / name).write_bytes(b"no matter")
    said = []
    images = find_images(str(tmp_path), say=said.append)
    assert [image.name for image in images] == ["a", "b"]
    assert said == [f"image={tmp_path}: passed over, by their names no PNG, JPEG or WebP: old.bmp, scan.tif"]
    changed = Counter()
    for image in images:
        image.read(changed=changed)
    assert changes(changed, 2) == ["image: 1 of 2 images with transparent pixels are laid over background=white"]


def test_a_box_on_a_small_photograph_is_a_pixel_at_least():
    alignment = Alignment((0, 0, 16, 8), (128, 256))
    x0, y0, x1, y1 = alignment.box_back((40, 130, 46, 136))
    assert (x1 - x0, y1 - y0) == (1, 1)


def test_images_are_upright_as_exif_says(tmp_path):
    image = Image.new("RGB", (8, 4))
    image.putpixel((0, 0), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    image.save(tmp_path / "turned.png", exif=exif)
    pixels = find_images(str(tmp_path))[0].read()
    assert pixels.shape == (3, 8, 4) and pixels[0, 0, 3] == 255


def test_damaged_images_are_named(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"image=.*x\.png: not a whole"):
        find_images(str(tmp_path))[0].read()


def test_the_digest_is_of_pixels_and_shape():
    photo = photograph()
    assert content_digest(photo) == content_digest(photo.clone())
    assert content_digest(photo) != content_digest(photo.flatten()) != content_digest(photo + 1)
