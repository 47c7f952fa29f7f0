"""What all judges of photographs have in common, and dlib's."""

import sys

import pytest
import torch

from insetgan.metrics.dlib_judge import DlibJudge
from insetgan.metrics.judges import enlarged
from insetgan.runtime.errors import UserError


def test_small_images_are_enlarged_in_proportion_and_large_ones_left_alone():
    small = torch.full((2, 3, 32, 24), 200, dtype=torch.uint8)
    large = enlarged(small)
    assert large.shape == (2, 3, 1024, 768) and large.dtype == torch.uint8
    assert bool((large == 200).all())
    assert enlarged(large) is large


def test_enlargement_is_bicubic_and_stays_within_bytes():
    step = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    step[..., 4:] = 255
    row = enlarged(step, 16)[0, 0, 8].tolist()
    # Cubic weights (a = -0.75) a quarter of a pixel from a centre: 0.0352, 0.2617, 0.8789, -0.1055 across the edge.
    assert row[7] == pytest.approx(255 * (0.2617188 - 0.0351563), abs=1)
    assert row[8] == pytest.approx(255 * (1 - 0.2617188 + 0.0351563), abs=1)
    assert row[0] == 0 and row[15] == 255 and row[9] == 255, "what overshoots is clamped"


def test_dlib_sees_no_face_in_grey_and_names_its_file():
    judge = DlibJudge()
    assert judge.seen(torch.full((2, 3, 128, 96), 128, dtype=torch.uint8)).tolist() == [False, False]
    assert all(path.is_file() for path in judge.files())


def test_without_dlib_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(UserError, match=r"judges\.dlib: the package dlib is not installed: pip install dlib-bin"):
        DlibJudge()
