"""People in photographs: their parts against exact boxes, hidden hands, turned and huge images, and other detectors."""

import pickle

import numpy as np
import pytest
import torch

from insetgan.data.person import PART_NAMES
from insetgan.detection.cascades import Cascades
from insetgan.detection.detector import FixedBoxes
from insetgan.detection.dlib_faces import DlibFaces
from insetgan.detection.part_box import PartBox
from insetgan.detection.people import DetectedPeople, Person, PhotoDetector, PhotoPeople, part_mask
from insetgan.detection.single_shot import overlaps
from insetgan.runtime.errors import UserError

FACE = (174, 8, 302, 175)
"""The astronaut's head with its hair, by eye, to a few pixels."""


def iou(found, expected):
    return float(overlaps(np.array(found, float), np.array([expected], float))[0])


@pytest.fixture(scope="module")
def looked(rendered):
    finder = PhotoPeople()
    return [(finder.find(image, ""), image, boxes) for image, boxes in rendered]


def test_each_rendered_person_is_found_once(looked):
    assert [len(people) for people, _, _ in looked] == [1] * len(looked)


@pytest.mark.parametrize(("part", "least"), [("face", 0.8), ("hand_left", 0.5), ("hand_right", 0.5), ("feet", 0.5)])
def test_boxes_lie_where_the_parts_are(looked, part, least):
    shown = [(people[0].boxes.get(part), boxes[part]) for people, _, boxes in looked if boxes[part]]
    overlap = [iou(box.box, truth) if box else 0.0 for box, truth in shown]
    assert len(overlap) >= 4 and np.median(overlap) >= least, overlap


def test_no_hand_is_reported_where_it_is_hidden(looked):
    finder, tried = PhotoPeople(), 0
    for people, image, boxes in looked[:6]:
        if "hand_left" not in people[0].boxes or "hand_right" not in people[0].boxes:
            continue
        x0, y0, x1, y1 = boxes["hand_left"]
        covered = image.clone()
        covered[:, y0 - 16 : y1 + 16, x0 - 16 : x1 + 16] = image[:, 540:541, 250:251]  # the colour of the trousers
        (person,) = finder.find(covered, "")
        assert "hand_left" not in person.boxes and "hand_right" in person.boxes
        tried += 1
    assert tried >= 3


def test_left_is_the_persons_own(looked):
    both = [people[0].boxes for people, _, _ in looked if {"hand_left", "hand_right"} <= people[0].boxes.keys()]
    assert len(both) >= 4 and all(boxes["hand_left"].box[0] > boxes["hand_right"].box[0] for boxes in both)


def test_the_mask_is_the_person(looked):
    people, image, _ = looked[0]
    mask = people[0].mask
    assert mask.shape == image.shape[1:] and 0 <= mask.min() and mask.max() <= 1
    assert mask[:, :20].max() < 0.1 and mask[450:550, 230:280].min() > 0.9
    part = part_mask(people[0], "face", 1024, 512)
    x0, y0, x1, y1 = people[0].boxes["face"].whole(1024, 512)
    assert torch.equal(part[y0:y1, x0:x1], mask[y0:y1, x0:x1]) and part[y1:].max() == 0


def test_a_portrait_has_a_face_and_no_hands_and_feet(astronaut):
    (person,) = PhotoPeople().find(astronaut, "")
    assert set(person.boxes) == {"face", "person"}
    assert iou(person.boxes["face"].box, FACE) > 0.75
    eyes = person.face[:2]
    assert eyes[0, 0] < eyes[1, 0] and abs(eyes[:, 1].mean() - 104) < 8  # her right eye is on the left


@pytest.mark.parametrize("turn", [-25, 25])
def test_a_turned_portrait_is_found(astronaut, turn):
    from PIL import Image

    turned = Image.fromarray(astronaut.permute(1, 2, 0).numpy()).rotate(turn)
    (person, *_) = PhotoPeople().find(torch.from_numpy(np.array(turned)).permute(2, 0, 1), "")
    assert person.boxes["face"].score > 0.6


def test_a_huge_photograph_gives_the_same_places(rendered):
    image, _ = rendered[0]
    large = torch.nn.functional.interpolate(image[None], (5120, 2560), mode="bilinear", antialias=True)[0]
    finder = PhotoPeople()
    (small,), (big,) = finder.find(image, ""), finder.find(large, "")
    assert set(small.boxes) == set(big.boxes) and big.mask.shape == (5120, 2560)
    for part, box in small.boxes.items():
        assert iou(box.scaled(5).box, big.boxes[part].box) > 0.85
    np.testing.assert_allclose(big.pose.points, 5 * small.pose.points, atol=60)


def test_of_a_group_each_face_gets_its_body(rendered):
    row = torch.cat([image[:, :, 64:448] for image, _ in rendered[3:7]], dim=2)
    people = PhotoPeople().find(row, "")
    assert sum(person.pose is not None and "feet" in person.boxes for person in people) >= 3
    for person in people:
        nose = person.pose.points[0] if person.pose else person.face[2]
        x0, y0, x1, y1 = person.boxes["face"].box
        assert x0 < nose[0] < x1 and y0 < nose[1] < y1


def test_two_people_are_two_and_the_larger_one_comes_first(rendered):
    (first, boxes), (second, _) = rendered[1], rendered[4]
    small = torch.nn.functional.interpolate(second[None], (768, 384), mode="bilinear", antialias=True)[0]
    scene = torch.full((3, 1100, 1000), 128, dtype=torch.uint8)
    scene[:, 20:1044, :512], scene[:, 276:1044, 560:944] = first, small
    people = PhotoPeople().find(scene, "")
    assert len(people) == 2
    assert iou(people[0].boxes["face"].box, np.add(boxes["face"], [0, 20, 0, 20])) > 0.7
    assert people[1].boxes["face"].box[0] > 560


@pytest.mark.parametrize("value", [0, 128, 255])
def test_empty_scenes_and_slivers_have_nobody(value):
    finder = PhotoPeople()
    for shape in ((3, 300, 200), (3, 1, 1), (3, 2, 900), (3, 900, 2)):
        assert finder.find(torch.full(shape, value, dtype=torch.uint8), "") == []


def test_the_detector_and_segmenter_speak_of_the_most_prominent_person(rendered, looked):
    images = torch.stack([image for image, _ in rendered[:2]]).float() / 127.5 - 1
    detector = PhotoDetector()
    found, masks = detector.detect(images), detector.segment(images)
    assert tuple(found) == detector.names == PART_NAMES == tuple(masks)
    for row in range(2):
        for part in PART_NAMES:
            box = looked[row][0][0].boxes.get(part)
            assert found[part].scores[row].item() == pytest.approx(box.score if box else 0, abs=0.02)
    assert masks["face"].shape == (2, 1, 1024, 512) and masks["face"].max() > 0.9
    empty = detector.detect(torch.zeros(1, 3, 64, 64))
    assert all(each.scores.item() == 0 for each in empty.values())
    assert all(path.is_file() for path in detector.files())


def test_dlib_sees_the_face(astronaut):
    finder = pickle.loads(pickle.dumps(DetectedPeople(DlibFaces())))
    (person,) = finder.find(astronaut, "")
    assert set(person.boxes) == {"face"} and iou(person.boxes["face"].box, FACE) > 0.3
    assert finder.find(torch.full((3, 128, 96), 128, dtype=torch.uint8), "") == []


def test_cascades_see_the_face(astronaut):
    finder = pickle.loads(pickle.dumps(DetectedPeople(Cascades())))
    (person,) = finder.find(astronaut, "")
    assert iou(person.boxes["face"].box, FACE) > 0.3
    with pytest.raises(UserError, match=r"files=none.xml: is no cascade of OpenCV's wheel"):
        Cascades({"face": "none.xml"})


def test_fixed_boxes_end_at_the_image():
    finder = DetectedPeople(FixedBoxes({"face": [10, 10, 30, 30], "feet": [10, 95, 30, 120]}))
    (person,) = finder.find(torch.zeros(3, 100, 50, dtype=torch.uint8), "")
    assert person.boxes == {"face": PartBox((10, 10, 30, 30), 1.0)}  # of the feet less than half is in the image


def test_part_masks_without_a_mask_are_boxes():
    person = Person({"face": PartBox((1.5, 2, 3, 4), 1.0)})
    assert part_mask(person, "face", 6, 5).nonzero().tolist() == [[2, 1], [2, 2], [3, 1], [3, 2]]
    assert part_mask(person, "feet", 6, 5).max() == 0


@pytest.mark.parametrize("text", ["<a><b></a>", "no XML at all", ""])
def test_a_file_that_is_no_cascade_is_named(text, tmp_path):
    (tmp_path / "bad.xml").write_text(text)
    with pytest.raises(UserError, match=r"files.face=.*bad.xml: holds no cascade that OpenCV can read"):
        Cascades({"face": str(tmp_path / "bad.xml")})
