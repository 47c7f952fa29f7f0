"""The judges of photographs: what counts, and that they look at photographs without any download."""

import sys

import numpy as np
import pytest
import torch

from insetgan.detection import litert
from insetgan.detection.poses import PoseFinder
from insetgan.detection.single_shot import body_finder, face_finder
from insetgan.metrics.judges import enlarged, seen_share
from insetgan.metrics.photo_judges import FaceJudge, PoseJudge
from insetgan.runtime.errors import UserError


def sees(logit_of):
    """A face detector of which the first anchor has a logit that depends on what is shown."""

    def run(view):
        logits = np.full((1, 2304, 1), -20, np.float32)
        logits[0, 0, 0] = logit_of(view)
        return np.zeros((1, 2304, 16), np.float32), logits

    return face_finder(run)


def body(logit, presence):
    def detect(view):
        logits = np.full((1, 2254, 1), -20, np.float32)
        logits[0, 7, 0] = logit
        return np.ones((1, 2254, 12), np.float32), logits

    def look(view):
        points, mask = np.zeros((1, 195), np.float32), np.zeros((1, 256, 256, 1), np.float32)
        return points, np.full((1, 1), presence, np.float32), mask

    return PoseFinder(body_finder(detect), look)


def test_the_share_counts_images_over_all_batches():
    black, white = torch.zeros(1, 3, 16, 8, dtype=torch.uint8), torch.full((1, 3, 16, 8), 255, dtype=torch.uint8)
    batches = [torch.cat([black, white, white]), black]
    finder = sees(lambda view: 3.0 if view.max() > 0 else -3.0)  # a score of 0.95
    assert seen_share(FaceJudge(finder=finder), batches) == 0.5
    assert seen_share(FaceJudge(0.99, finder=finder), batches) == 0
    with pytest.raises(ValueError, match="no images"):
        seen_share(FaceJudge(finder=finder), [])


@pytest.mark.parametrize("judge", [FaceJudge, PoseJudge])
def test_a_threshold_that_is_none_is_refused(judge):
    with pytest.raises(ValueError, match="threshold=2: must be from 0 to 1"):
        judge(2)


@pytest.mark.parametrize(("logit", "presence", "seen"), [(1.0, 0.9, True), (-1.0, 0.9, False), (1.0, 0.4, False)])
def test_a_body_counts_where_both_models_see_it(logit, presence, seen):
    judge = PoseJudge(finder=body(logit, presence))
    assert judge.seen(torch.zeros(2, 3, 32, 16, dtype=torch.uint8)).tolist() == [seen, seen]


def test_rendered_people_have_faces_and_bodies_and_noise_has_none(people_images):
    noise = (torch.rand(1, 3, 256, 128, generator=torch.Generator().manual_seed(0)) * 255).byte()
    batch = enlarged(torch.cat([people_images, noise]))
    assert FaceJudge().seen(batch).tolist() == [True, True, False]
    assert PoseJudge().seen(batch).tolist() == [True, True, False]
    assert all(path.is_file() for judge in (FaceJudge(), PoseJudge()) for path in judge.files())


@pytest.mark.parametrize("judge", [FaceJudge, PoseJudge])
def test_without_litert_the_extra_is_named(judge, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    litert._loaded.cache_clear()
    with pytest.raises(UserError, match=r"pip install 'insetgan\[photos\]'") as caught:
        judge()
    assert "\n" not in str(caught.value)
