"""Bodies from photographs: what the images show, and what is dropped."""

import numpy as np
import pytest
import torch

from insetgan.detection.people import PhotoPeople
from insetgan.preparation.inputs import Photo
from insetgan.preparation.photos import BodyMaker
from insetgan.preparation.verdict import Rejected

SIZE = (256, 128)


def photo(pixels):
    tensor = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
    return Photo(tensor, pixels.shape[:2])


def made(pixels, **settings):
    return BodyMaker(PhotoPeople(), SIZE, **settings).make(photo(pixels), "")


@pytest.fixture(scope="module")
def right(scene):
    """Far to the right, so that the image reaches beyond the photograph."""
    return scene(1, at=(60, 262))


def test_wherever_somebody_stands_the_image_is_nearly_the_same(scene, right):
    left, moved = made(scene(1, at=(100, 40))), made(right)
    assert left.pixels.shape == moved.pixels.shape == (*SIZE, 3)
    both, either = (f(left.masks["person"], moved.masks["person"]) for f in (np.logical_and, np.logical_or))
    assert both.sum() > 0.6 * either.sum()


def test_boxes_lie_within_the_image_and_masks_in_their_boxes(right):
    found = made(right)
    assert {"face", "feet", "person"} <= {part for part, box in found.boxes.items() if box}
    for part, mask in found.masks.items():
        x0, y0, x1, y1 = found.boxes[part]
        assert 0 <= x0 < x1 <= 128 and 0 <= y0 < y1 <= 256
        assert mask.any() and mask.shape == SIZE
        if part != "person":
            outside = mask.copy()
            outside[y0:y1, x0:x1] = False
            assert not outside.any()


def test_the_background_is_blurred_white_or_kept(scene):
    pixels = scene(1, at=(60, 100))
    results = {name: made(pixels, background=name) for name in ("blur", "white", "keep")}
    behind = ~results["keep"].masks["person"]
    behind[:, 16:112] = False  # away from the person's soft edge
    edges = {
        name: np.abs(np.diff(each.pixels.astype(int), axis=1))[behind[:, 1:]].mean() for name, each in results.items()
    }
    assert (results["white"].pixels[behind] == 255).all()
    assert edges["blur"] < 0.8 * edges["keep"]
    person = results["keep"].masks["face"]
    for each in results.values():
        assert np.abs(each.pixels[person].astype(int) - results["keep"].pixels[person]).mean() < 12


def test_beyond_the_edge_there_is_no_second_person(right):
    found = PhotoPeople().find(torch.from_numpy(made(right).pixels).permute(2, 0, 1), "")
    assert len(found) == 1


def test_what_is_not_for_the_set_says_why(scene, right):
    whole = scene(1, at=(60, 100))
    tries = [
        (whole[:420], {}, "no clear full body: .*feet"),
        (whole[:, :160], {}, "no (clear full body|person)"),
        (np.full((300, 300, 3), 127, np.uint8), {}, "no person was found"),
        (whole, {"enlarge": 0.2}, r"too small: would be enlarged 0\.\d times, source.enlarge=0.2"),
        (right, {"outside": 0.01}, r"too close to the edge: \d+% of the image"),
    ]
    for pixels, settings, reason in tries:
        with pytest.raises(Rejected, match=reason):
            made(np.ascontiguousarray(pixels), **settings)


def test_a_second_person_is_refused_only_where_the_image_shows_it(scene):
    alone = scene(1, size=(640, 900), at=(60, 20))
    beside, far = (scene(5, on=alone, at=(60, column)) for column in (140, 600))
    with pytest.raises(Rejected, match="a second person in the image"):
        made(beside)
    assert made(far).boxes["face"]
