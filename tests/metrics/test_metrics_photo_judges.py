"""The judge of faces: where its image lies, what its numbers mean, and what may be wrong with its file."""

import io
import sys
import tarfile

import numpy as np
import pytest
import torch

from insetgan.metrics.judges import seen_share
from insetgan.metrics.photo_judges import ANCHORS, MODEL, SIZE, FaceJudge, letterboxed
from insetgan.runtime.errors import UserError


def says(index, logit, regression):
    """A model that sees one thing, whatever it is shown."""

    def run(image):
        assert image.shape == (1, SIZE, SIZE, 3)
        assert image.dtype == np.float32
        regressions, logits = np.zeros((1, ANCHORS, 16), np.float32), np.full((1, ANCHORS, 1), -20, np.float32)
        regressions[0, index, :4], logits[0, index, 0] = regression, logit
        return regressions, logits

    return run


def white_means_a_face(image):
    run = says(0, 3.0 if image.max() > 0 else -3.0, (0, 0, 0, 0))
    return run(image)


def test_images_lie_in_the_middle_with_black_beside_them():
    tall = torch.full((2, 3, 400, 200), 255, dtype=torch.uint8)
    boxed = letterboxed(tall, 192)
    assert boxed.shape == (2, 3, 192, 192)
    torch.testing.assert_close(boxed[..., 48:144], torch.ones(2, 3, 192, 96))
    assert bool((boxed[..., :48] == -1).all())
    assert bool((boxed[..., 144:] == -1).all())
    wide = letterboxed(torch.zeros(1, 3, 64, 128, dtype=torch.uint8) + 255, 192)
    assert bool((wide[:, :, 48:144] > 0.99).all())
    assert bool((wide[:, :, :48] == -1).all())


def test_scores_and_boxes_by_hand():
    # Anchor in row 10, column 20: centre (82, 42) of 192; moved by (14, -6) to (96, 36), 24 wide and 48 high.
    judge = FaceJudge(None, runner=says(10 * 48 + 20, np.log(3.0), (14, -6, 24, 48)))
    faces = judge.look(torch.zeros(1, 3, 384, 192, dtype=torch.uint8))
    assert faces.scores.item() == pytest.approx(0.75)
    # Twice as large, and the image begins at column 48 of the square.
    torch.testing.assert_close(faces.boxes, torch.tensor([[96.0 - 24, 72 - 48, 96 + 24, 72 + 48]]))
    wide = judge.look(torch.zeros(1, 3, 96, 192, dtype=torch.uint8)).boxes
    torch.testing.assert_close(wide, torch.tensor([[84.0, 12 - 48, 108, 60 - 48]]))


def test_extreme_logits_stay_finite():
    for logit, score in ((1e6, 1.0), (-1e6, 0.0)):
        run = says(0, logit, (0, 0, 0, 0))
        judge = FaceJudge(
            None,
            runner=lambda image, run=run, logit=logit: (run(image)[0], np.full((1, ANCHORS, 1), logit, np.float32)),
        )
        assert judge.look(torch.zeros(1, 3, 8, 8, dtype=torch.uint8)).scores.item() == pytest.approx(score)


def test_the_share_counts_images_over_all_batches():
    black, white = torch.zeros(1, 3, 16, 8, dtype=torch.uint8), torch.full((1, 3, 16, 8), 255, dtype=torch.uint8)
    batches = [torch.cat([black, white, white]), black]
    judge = FaceJudge(None, runner=white_means_a_face)  # with a score of 0.95
    assert seen_share(judge, batches) == 0.5
    assert seen_share(FaceJudge(None, 0.99, runner=white_means_a_face), batches) == 0
    with pytest.raises(ValueError, match="no images"):
        seen_share(judge, [])
    with pytest.raises(ValueError, match="threshold=2: must be from 0 to 1"):
        FaceJudge(None, 2, runner=white_means_a_face)


@pytest.mark.parametrize("path", [None, "", "nowhere.tflite"])
def test_without_the_model_one_line_says_how_to_get_it(path, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"^judge=.*npm pack .*@mediapipe/face_detection@0.4") as caught:
        FaceJudge(path, key="judge")
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"no model")
    with pytest.raises(UserError, match="is no model that LiteRT can run"):
        FaceJudge(path)


def test_archives_without_the_model_are_refused(tmp_path):
    empty, broken = tmp_path / "empty.tgz", tmp_path / "broken.tgz"
    with tarfile.open(empty, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("package/README.md"), io.BytesIO())
    broken.write_bytes(empty.read_bytes()[:20])
    for path in (empty, broken):
        with pytest.raises(UserError, match=f"holds no readable {MODEL}"):
            FaceJudge(path)


def test_without_litert_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    path = tmp_path / "model.tflite"
    path.write_bytes(b"")
    with pytest.raises(UserError, match=r"pip install -e '\.\[photos\]'"):
        FaceJudge(path)


def test_the_archive_is_looked_for_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "insetgan").mkdir()
    path = tmp_path / "insetgan" / "mediapipe-face_detection-0.4.1.tgz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(f"package/{MODEL}")
        member.size = 8
        archive.addfile(member, io.BytesIO(b"no model"))
    with pytest.raises(UserError, match=rf"judges.mediapipe.path={path}: is no model that LiteRT can run"):
        FaceJudge()
