"""Where bodies go: the paper's rules on people of known points, and the reasons of rejections."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from insetgan.detection.part_box import PartBox
from insetgan.detection.people import Person
from insetgan.detection.poses import ANKLES, HEELS, HIPS, KNEES, SHOULDERS, TOES, Pose
from insetgan.preparation.alignment import BodyAlignment
from insetgan.preparation.verdict import Rejected

PHOTO, SIZE = (1000, 800), (256, 128)


def person(*, x=400.0, hips=(400.0, 420.0), eyes_to_mouth=36.0, top=60.0, bottom=900.0, hidden=(), without=()):
    """A body with its neck at (x, 220); 200 pixels from neck to hips; the face 2.43 times the eyes to the mouth."""
    points, visible = np.full((33, 2), 150.0), np.ones(33)
    points[:, 0] = x
    points[list(SHOULDERS)] = [[x + 50, 220], [x - 50, 220]]
    points[list(HIPS)] = [[hips[0] + 30, hips[1]], [hips[0] - 30, hips[1]]]
    for numbers, row in ((KNEES, 600), (ANKLES, 820), (HEELS, 840), (TOES, 850)):
        points[list(numbers)] = [[x + 30, row], [x - 30, row]]
    visible[list(hidden)] = 0.1
    face = np.array([[x - 15, 110], [x + 15, 110], [x, 125], [x, 110 + eyes_to_mouth], [x - 40, 110], [x + 40, 110]])
    boxes = {"face": PartBox((x - 40, 60, x + 40, 160), 0.9), "person": PartBox((x - 100, top, x + 100, bottom), 0.9)}
    boxes = {name: box for name, box in boxes.items() if name not in without}
    pose = Pose(0.9, 0.9, points, visible, torch.zeros(PHOTO))
    return Person(boxes, pose.mask, None if "pose" in without else pose, None if "face" in without else face)


def test_the_middle_of_the_upper_body_is_on_the_centre_and_its_length_is_the_wanted_one():
    frame = BodyAlignment(upper=0.2, middle=0.32).frame(person(), PHOTO, SIZE)
    neck, hips, middle = frame.to_image(np.array([[400, 220], [400, 420], [400, 320]]))
    assert hips[1] - neck[1] == pytest.approx(0.2 * 256)
    assert middle == pytest.approx([64, 0.32 * 256])


def test_the_axis_is_that_from_neck_to_hips():
    frame = BodyAlignment().frame(person(hips=(460.0, 420.0)), PHOTO, SIZE)
    assert frame.to_image(np.array([[430, 320]]))[0, 0] == pytest.approx(64)


@pytest.mark.parametrize(("eyes_to_mouth", "share"), [(60.0, 0.1), (20.0, 0.075)])
def test_the_face_is_brought_to_its_bounds(eyes_to_mouth, share):
    one = person(eyes_to_mouth=eyes_to_mouth, top=200, bottom=500)  # short, so that it fits at any scale
    frame = BodyAlignment().frame(one, PHOTO, SIZE)
    assert 2.43 * eyes_to_mouth / frame.high == pytest.approx(share)


def test_a_face_within_its_bounds_changes_nothing():
    one = person(eyes_to_mouth=28.0, top=200, bottom=500)
    assert BodyAlignment().frame(one, PHOTO, SIZE).high == pytest.approx(200 / 0.254)


@pytest.mark.parametrize(("top", "bottom"), [(10, 990), (120, 995), (5, 850)])
def test_the_whole_person_is_in_the_image(top, bottom):
    frame = BodyAlignment().frame(person(top=top, bottom=bottom), PHOTO, SIZE)
    (_, upper), (_, lower) = frame.to_image(np.array([[400, top], [400, bottom]]))
    assert upper >= 0.014 * 256 and lower <= (1 - 0.014) * 256


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"without": ("pose",)}, "a face without a body"),
        ({"without": ("face",)}, "no face is seen"),
        ({"hidden": ANKLES}, "no clear full body: ankles not seen"),
        ({"hidden": (KNEES[0], TOES[1])}, "no clear full body: knees, feet not seen"),
        ({"x": 20.0}, "no clear full body: shoulders, "),
        ({"hips": (700.0, 420.0)}, "the body is not upright: 56 degrees"),
    ],
)
def test_what_has_no_clear_full_body_is_rejected(given, reason):
    with pytest.raises(Rejected, match=f"^{reason}"):
        BodyAlignment().frame(person(**given), PHOTO, SIZE)


def test_somebody_upside_down_is_rejected():
    one = person()
    turned = replace(one.pose, points=PHOTO[0] - one.pose.points)
    with pytest.raises(Rejected, match="not upright: 180 degrees"):
        BodyAlignment().frame(replace(one, pose=turned), PHOTO, SIZE)
