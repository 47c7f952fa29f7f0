"""MediaPipe's detectors: anchors, decoding and the joining of boxes, by hand; and models that are damaged."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from insetgan.detection import litert
from insetgan.detection.single_shot import body_finder, face_finder, overlaps, palm_finder
from insetgan.detection.square import Square
from insetgan.runtime.errors import UserError


def says(numbers, size=192, anchors=2304, width=16):
    """A model that gives {anchor: (logit, regressions)}, whatever it is shown."""

    def run(view):
        assert (view.shape, view.dtype) == ((1, size, size, 3), np.float32)
        regressions, logits = np.zeros((1, anchors, width), np.float32), np.full((1, anchors, 1), -20, np.float32)
        for index, (logit, given) in numbers.items():
            regressions[0, index, : len(given)], logits[0, index, 0] = given, logit
        return regressions, logits

    return run


def test_there_are_as_many_anchors_as_the_models_have_in_the_middle_of_cells():
    assert face_finder().anchors.shape == (2304, 2)
    assert palm_finder().anchors.shape == (2016, 2)
    found = body_finder().anchors
    assert found.shape == (2254, 2)
    np.testing.assert_allclose(found[[0, 1, 2]], [[4 / 224, 4 / 224], [4 / 224, 4 / 224], [12 / 224, 4 / 224]])
    np.testing.assert_allclose(found[2 * 28], [4 / 224, 12 / 224])
    np.testing.assert_allclose(found[-6:], [[208 / 224, 208 / 224]] * 6)


def test_scores_boxes_and_points_by_hand():
    # Anchor in row 10, column 20: centre (82, 42) of 192; moved by (14, -6) to (96, 36), 24 wide and 48 high.
    finder = face_finder(says({10 * 48 + 20: (np.log(3.0), (14, -6, 24, 48, -2, 3))}))
    (found,) = finder.find(torch.zeros(3, 384, 192, dtype=torch.uint8))
    assert found.score == pytest.approx(0.75)
    # Twice as large, and the image begins at column 48 of the square.
    assert found.box == pytest.approx((96.0 - 24, 72 - 48, 96 + 24, 72 + 48))
    np.testing.assert_allclose(found.points[0], [(80 - 48) * 2, 45 * 2])
    wide = finder.best(torch.zeros(3, 96, 192, dtype=torch.uint8))
    assert wide.box == pytest.approx((84.0, 12 - 48, 108, 60 - 48))


def test_boxes_that_overlap_are_joined_by_their_scores():
    # Three at one place with scores 3/4, 3/4 and 1/2, and one far away with 1/2; the mean has weights 3 : 3 : 2.
    at = {100: 0.0, 101: 0.0, 102: 0.0}
    base = face_finder().anchors * 192
    numbers = {
        index: (np.log(3.0) if index < 102 else 0.0, (60 - base[index, 0] + shift, 60 - base[index, 1], 40, 40))
        for index, shift in zip(at, (0, 4, 8), strict=True)
    }
    numbers[2000] = (0.0, (150 - base[2000, 0], 150 - base[2000, 1], 20, 20))
    found = face_finder(says(numbers)).find(torch.zeros(3, 192, 192, dtype=torch.uint8))
    assert [each.score for each in found] == pytest.approx([0.75, 0.5])
    shift = (0 * 3 + 4 * 3 + 8 * 2) / 8
    assert found[0].box == pytest.approx((40 + shift, 40, 80 + shift, 80))
    assert found[1].box == pytest.approx((140, 140, 160, 160))
    assert not face_finder(says(numbers)).find(torch.zeros(3, 192, 192, dtype=torch.uint8), threshold=0.8)
    assert len(face_finder(says(numbers)).find(torch.zeros(3, 192, 192, dtype=torch.uint8), most=1)) == 1


def test_a_turned_square_gives_places_in_the_image():
    finder = face_finder(says({0: (5.0, (96 - 2, 0 - 2, 2, 2))}))  # the middle of the upper side
    (found,) = finder.find(torch.zeros(3, 200, 200, dtype=torch.uint8), Square(100, 100, 50, np.pi / 2))
    middle = ((found.box[0] + found.box[2]) / 2, (found.box[1] + found.box[3]) / 2)
    assert middle == pytest.approx((125, 100))  # turned clockwise: what was above is on the right


def test_input_ranges_are_those_of_the_models():
    shown = []

    def run(anchors, width):
        def keep(view):
            shown.append((view.min(), view.max()))
            return np.zeros((1, anchors, width), np.float32), np.zeros((1, anchors, 1), np.float32)

        return keep

    image = torch.zeros(3, 64, 64, dtype=torch.uint8)
    image[:, :, 32:] = 255
    face_finder(run(2304, 16)).best(image)
    palm_finder(run(2016, 18)).best(image)
    assert shown == [(-1, 1), (0, 1)]


def test_extreme_logits_stay_finite():
    for logit, score in ((1e6, 1.0), (-1e6, 0.0)):
        finder = face_finder(says({index: (logit, ()) for index in range(2304)}))
        assert finder.best(torch.zeros(3, 8, 8, dtype=torch.uint8)).score == pytest.approx(score)


def test_overlap_by_hand():
    found = overlaps(np.array([0.0, 0, 2, 2]), np.array([[0.0, 0, 2, 2], [1, 0, 3, 2], [2, 2, 4, 4], [1, 1, 1, 1]]))
    np.testing.assert_allclose(found, [1, 1 / 3, 0, 0])


def test_a_damaged_model_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(litert, "FOLDER", tmp_path)
    other = replace(litert.FACE, sha256="0" * 64)
    with pytest.raises(UserError, match=r"face\.tflite: cannot be read; install insetgan again"):
        other.load()
    (tmp_path / "face.tflite").write_bytes(b"no model")
    with pytest.raises(UserError, match=r"face\.tflite: is damaged, its SHA-256 is another; install insetgan again"):
        other.load()


def test_all_models_are_whole_and_compute_what_they_declare():
    for model in (litert.FACE, litert.PALM, litert.PERSON, litert.LANDMARKS):
        found = model.load()(np.zeros(model.given, np.float32))
        assert {shape: array.shape for shape, array in found.items()} == {shape: shape for shape in model.found}


def test_without_litert_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    litert._loaded.cache_clear()
    with pytest.raises(UserError, match=r"pip install 'insetgan\[photos\]'"):
        litert.FACE.load()


def test_the_library_keeps_silent(capfd):
    litert._loaded.cache_clear()
    litert.FACE.load()
    assert capfd.readouterr() == ("", "")
