from pathlib import Path

import pytest
import torch
import yaml

from insetgan.detection.detector import AlignedBoxes, Detection, FixedBoxes
from insetgan.detection.locate import locate_parts
from insetgan.detection.part import Part
from insetgan.detection.parts_detector import PartsDetector
from insetgan.detection.parts_net import PartsOutput
from insetgan.detection.placement import SquarePlacement
from insetgan.ops.boxes import MARGIN
from insetgan.runtime.errors import UserError


def found(*boxes, score=1.0):
    return Detection(torch.tensor(boxes, dtype=torch.float32), torch.full((len(boxes),), score))


RULE = SquarePlacement(margin=0.25, hysteresis=0.75)


def test_first_placement_is_the_square_round_the_box():
    placement = RULE.place(found([20, 30, 30, 50]), 100, 60)
    assert placement.boxes.tolist() == [[10, 25, 40, 55]]
    assert placement.placed.tolist() == [True] and placement.seen.tolist() == [True]


def test_box_holds_still_for_small_movements_and_follows_real_ones():
    first = RULE.place(found([20.0, 30.0, 30.0, 50.0]), 100, 60)
    jitter = RULE.place(found([20.7, 30.7, 30.7, 50.7]), 100, 60, first)
    assert torch.equal(jitter.boxes, first.boxes) and torch.equal(jitter.anchors, first.anchors)
    moved = RULE.place(found([20.0, 32.0, 30.0, 52.0]), 100, 60, jitter)
    assert moved.boxes.tolist() == [[10, 27, 40, 57]]


def test_slow_drift_is_followed_once_it_adds_up():
    placement = RULE.place(found([20.0, 30.0, 30.0, 50.0]), 100, 60)
    for step in range(1, 5):
        placement = RULE.place(found([20.0, 30.0 + 0.5 * step, 30.0, 50.0 + 0.5 * step]), 100, 60, placement)
    assert placement.boxes[0, 1] == 27


def test_damping_follows_only_in_part():
    rule = SquarePlacement(margin=0.25, damping=0.5)
    first = rule.place(found([20.0, 30.0, 30.0, 50.0]), 100, 60)
    assert rule.place(found([20.0, 40.0, 30.0, 60.0]), 100, 60, first).boxes.tolist() == [[10, 30, 40, 60]]


@pytest.mark.parametrize(
    "gone",
    [
        found([40, 40, 50, 50], score=0.49),
        found([float("nan")] * 4),
        found([200, 200, 220, 220]),
        found([30, 30, 20, 20]),
        Detection(torch.tensor([[1.0, 1.0, 9.0, 9.0]]), torch.tensor([float("nan")])),
    ],
)
def test_a_part_out_of_sight_keeps_its_box(gone):
    first = RULE.place(found([20, 30, 30, 50]), 100, 60)
    lost = RULE.place(gone, 100, 60, first)
    assert torch.equal(lost.boxes, first.boxes)
    assert lost.placed.tolist() == [True] and lost.seen.tolist() == [False]


def test_a_part_never_seen_has_a_harmless_box_and_is_placed_when_it_shows():
    hidden = RULE.place(found([1, 1, 5, 5], score=0.1), 100, 60)
    assert hidden.placed.tolist() == [False]
    x0, y0, x1, y1 = hidden.boxes[0].tolist()
    assert 0 <= x0 < x1 <= 60 and 0 <= y0 < y1 <= 100
    shown = SquarePlacement(margin=0.25, damping=0.9).place(found([20, 30, 30, 50]), 100, 60, hidden)
    assert shown.placed.tolist() == [True] and shown.boxes.tolist() == [[10, 25, 40, 55]]


def test_samples_are_placed_apart():
    first = RULE.place(found([20, 30, 30, 50], [20, 30, 30, 50]), 100, 60)
    second = RULE.place(found([20, 30, 30, 50], [20, 40, 30, 60]), 100, 60, first)
    assert second.boxes.tolist() == [[10, 25, 40, 55], [10, 35, 40, 65]]


@pytest.mark.parametrize(
    "wrong", [{"margin": -0.5}, {"min_score": 1.1}, {"hysteresis": -1}, {"damping": 1.0}, {"damping": float("nan")}]
)
def test_rules_that_place_nothing_are_named(wrong):
    (key,) = wrong
    with pytest.raises(UserError, match=f"^{key}(\\.[0-9])?="):
        SquarePlacement(**wrong)


class Counting(FixedBoxes):
    def __init__(self, boxes):
        super().__init__(boxes)
        self.looks = 0

    def detect(self, images):
        self.looks += 1
        return super().detect(images)


def test_parts_of_one_detector_share_one_look():
    detector = Counting({"face": (20, 30, 30, 50), "feet": (20, 80, 40, 95)})
    parts = [Part(name, None, detector, RULE) for name in ("face", "feet")]
    placements = locate_parts(torch.zeros(3, 3, 100, 60), parts)
    assert detector.looks == 1
    assert placements["face"].boxes.tolist() == [[10, 25, 40, 55]] * 3
    assert list(placements) == ["face", "feet"]


def test_parts_net_speaks_by_name_and_in_full_precision():
    def network(images):
        assert images.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        return PartsOutput(torch.arange(16.0).view(1, 4, 4), torch.tensor([[0.1, 0.2, 0.3, 0.4]]), images)

    network.parts = ("face", "hand_left", "hand_right", "feet")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = PartsDetector(network).detect(torch.zeros(1, 3, 8, 8, dtype=torch.bfloat16))
    assert list(found) == ["face", "hand_left", "hand_right", "feet"]
    assert found["hand_right"].boxes.tolist() == [[8, 9, 10, 11]]
    assert found["feet"].scores.tolist() == [pytest.approx(0.4)]


def test_a_part_that_the_detector_does_not_know_is_named():
    with pytest.raises(ValueError, match=r"'hand'.*\['face'\]"):
        locate_parts(torch.zeros(1, 3, 100, 60), [Part("hand", None, FixedBoxes({"face": (0, 0, 9, 9)}), RULE)])


@pytest.mark.parametrize(
    ("rule", "box", "believed"),
    [
        ({"smallest": 0.2}, (0, 0, 11, 5), False),
        ({"smallest": 0.2}, (0, 0, 12, 5), True),
        ({"largest": 0.5}, (0, 0, 31, 5), False),
        ({"within": (0.0, 0.0, 1.0, 0.3)}, (20, 20, 30, 41), False),  # centre at 30.5 of 100
        ({"within": (0.0, 0.0, 1.0, 0.3)}, (20, 20, 30, 39), True),
        ({"within": (0.5, 0.0, 1.0, 1.0)}, (20, 20, 30, 39), False),
    ],
)
@pytest.mark.parametrize("factor", [1, 4])
def test_bounds_scale_with_the_canvas(rule, box, believed, factor):
    placement = SquarePlacement(**rule).place(found([side * factor for side in box]), 100 * factor, 60 * factor)
    assert placement.placed.tolist() == [believed]


def test_what_is_not_believed_moves_no_box():
    rule = SquarePlacement(margin=0.25, largest=0.5)
    first = rule.place(found([20.0, 30.0, 30.0, 50.0]), 100, 60)
    again = rule.place(found([0.0, 0.0, 60.0, 90.0]), 100, 60, first)
    assert torch.equal(again.boxes, first.boxes)
    assert again.placed.tolist() == [True] and again.seen.tolist() == [False]


@pytest.mark.parametrize("box", [(1, 2, 3), (4, 4, 4, 8), (0, 8, 4, 4)])
def test_a_fixed_box_that_is_none_is_named(box):
    with pytest.raises(UserError, match=r"^boxes\.face="):
        FixedBoxes({"face": box})


def test_aligned_boxes_are_shares_of_whatever_canvas_there_is():
    detector = AlignedBoxes({"face": (0.25, 0.1, 0.75, 0.35), "feet": (0, 0.9, 1, 1)})
    assert detector.names == ("face", "feet") and detector.files() == []
    for height, width in ((1024, 512), (100, 40)):
        seen = detector.detect(torch.zeros(2, 3, height, width))
        expected = torch.tensor([[0.25 * width, 0.1 * height, 0.75 * width, 0.35 * height]] * 2)
        torch.testing.assert_close(seen["face"].boxes, expected)
        assert seen["feet"].boxes[0].tolist() == pytest.approx([0, 0.9 * height, width, height])
        assert seen["feet"].scores.tolist() == [1, 1]


@pytest.mark.parametrize("box", [(0, 0, 1.1, 1), (-0.1, 0, 1, 1), (0.5, 0, 0.5, 1), (0, 0, 1), "0, 0, 1, 1"])
def test_an_aligned_box_that_is_none_is_refused(box):
    with pytest.raises(UserError, match=r"^boxes\.face="):
        AlignedBoxes({"face": box})


@pytest.mark.parametrize(
    ("file", "height", "width", "square"),
    [("stylegan_human", 1024, 512, [184, 44, 328, 188]), ("deepfashion", 1024, 768, [316, 20, 452, 156])],
)
def test_the_boxes_of_aligned_bodies_are_the_squares_that_their_files_name(file, height, width, square):
    path = Path(__file__).resolve().parents[2] / "conf" / "detector" / f"{file}.yaml"
    detector = AlignedBoxes(yaml.safe_load(path.read_text())["boxes"])
    rule = SquarePlacement(margin=MARGIN)
    (placed,) = rule.place(detector.detect(torch.zeros(1, 3, height, width))["face"], height, width).boxes.tolist()
    assert max(abs(one - other) for one, other in zip(placed, square, strict=True)) <= 1
    half = rule.place(detector.detect(torch.zeros(1, 3, height // 2, width // 2))["face"], height // 2, width // 2)
    assert max(abs(2 * one - other) for one, other in zip(half.boxes[0].tolist(), square, strict=True)) <= 3
