"""The recorder of films, as an `on_step` of the solver."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch

from insetgan.ops.images import to_uint8
from insetgan.refine.schedule import Schedule, Stage
from insetgan.refine.solver import refine
from insetgan.reports.video import Recorder

plain = partial(Schedule, stages=(Stage(),), ramp_down=0.5, detect_until=0.6, tolerance=0.0)
"""A schedule of one stage, which never stops early."""

SHORT = plain(steps=20, block=5, canvas_rate=0.02, inset_rate=0.05)


def record(problem, objective, recorder, **changes):
    return refine(problem(), objective(), dataclasses.replace(SHORT, **changes), on_step=recorder)


def test_frames_are_composite_and_close_ups(problem, objective):
    recorder = Recorder(every=5)
    result = record(lambda: problem(names=("face", "feet")), objective, recorder)
    first, *between = recorder.frames(1)
    assert len(between) == 3, "steps 0, 5, 10 and 15"
    height, width = 11 * 24, 11 * 16  # a canvas of 24 x 16, enlarged until its shorter side has 256 pixels
    assert {frame.shape for frame in (first, *between)} == {(height, width + 2 * (4 + height), 3)}
    # The film begins with the naive paste: at the middle of each enlarged pixel stands that pixel.
    paste = to_uint8(result.paste)[1].numpy().astype(int)
    assert np.abs(first[5:height:11, 5:width:11].astype(int) - paste).max() <= 1
    recorder.finish(result)
    *_, last = recorder.frames(1)
    assert np.abs(last[5:height:11, 5:width:11].astype(int) - to_uint8(result.refined)[1].numpy()).max() <= 1
    assert len(recorder.frames(7)) == 0


def test_rows_that_have_stopped_keep_their_frames_and_no_image_is_made_of_nan(problem, objective, breaking):
    recorder = Recorder(every=1)

    def build():
        wild = problem(canvas=breaking(24, 16))
        for latents in wild.starts.values():
            latents.tensors["shared"][1] = 0.89  # breaks after a step or two
        return wild

    result = record(build, objective, recorder)
    assert result.status[1] == "not_finite"
    kept = [len(recorder.frames(row)) for row in range(3)]
    assert kept[0] == kept[2] == 20
    assert 1 <= kept[1] < 20


def test_a_batch_forgets_the_one_before(problem, objective):
    recorder = Recorder(every=10)
    for _ in range(2):
        record(problem, objective, recorder)
        assert len(recorder.frames(0)) == 2


def test_memory_is_bounded_and_time_stays_even(problem, objective):
    recorder = Recorder(every=1, limit=3 * 24 * 16 * 3 * 6)  # six frames of three samples
    record(problem, objective, recorder)
    shots = recorder._shots[0]
    assert [shot.index for shot in shots] == [0, 4, 8, 12, 16]
    assert all(shot.image.base is None for shot in shots), "a view would hold the whole batch"


def test_a_large_canvas_is_not_enlarged(problem, objective, linear):
    recorder = Recorder(every=50)
    record(lambda: problem(canvas=linear(301, 151)), objective, recorder, steps=1)
    (frame,) = recorder.frames(0)
    assert frame.shape == (302, 152 + 4 + 302, 3)


def test_dtype_of_frames(problem, objective):
    recorder = Recorder(every=20)
    record(problem, objective, recorder, steps=1)
    assert recorder.frames(0)[0].dtype == np.uint8
    with pytest.raises(ValueError, match="every=0"):
        Recorder(every=0)
    assert torch.is_grad_enabled()
