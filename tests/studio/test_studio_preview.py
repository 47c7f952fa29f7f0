"""A watched refinement: throttled, stopped, and not changed by being watched."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

import insetgan
from insetgan.networks import Generator
from insetgan.ops.images import to_uint8
from insetgan.studio.preview import EVERY, SHARE, Halted, PreviewMaker

TINY = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 64, "channel_max": 8}
FIXED = insetgan.FixedBoxes({"face": [5, 4, 11, 10]})


@pytest.fixture(scope="module")
def toys():
    torch.manual_seed(1)
    body, face = Generator(height=32, width=16, **TINY), Generator(height=16, width=16, **TINY)
    return body.eval().requires_grad_(False), face.eval().requires_grad_(False)


def composed(toys, on_step=None, steps=12):
    body, face = toys
    return insetgan.compose(body, {"face": face}, seeds=[3], steps=steps, detector=FIXED, on_step=on_step)


class Clock:
    """Each look at it takes a tenth of a second."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 0.1
        return self.now


def test_a_preview_shows_the_first_and_the_last_step_and_few_between(toys):
    shown = []
    composed(toys, PreviewMaker(shown.append, lambda: False, clock=Clock()), steps=30)
    steps = [preview.step for preview in shown]
    assert steps[0] == 1 and steps[-1] == 30 and 3 < len(steps) < 10
    assert EVERY / 0.1 - 1 <= min(np.diff(steps[:-1]))  # each step that is not shown takes one look at the clock
    assert all(preview.steps == 30 for preview in shown)


def test_slow_previews_take_a_small_share_of_the_time(toys):
    times, clock = [], Clock()

    def slow(preview):
        clock.now += 2.0
        times.append(clock.now)

    composed(toys, PreviewMaker(slow, lambda: False, clock=clock), steps=90)
    assert len(times) >= 2 and times[1] - times[0] > SHARE * 2.0  # 80 looks of a tenth of a second are 8 seconds


def test_the_picture_is_the_naive_paste_at_the_first_step(toys):
    shown = []
    result = composed(toys, PreviewMaker(shown.append, lambda: False)).result
    first = np.asarray(Image.open(io.BytesIO(shown[0].png)))
    assert np.array_equal(first, to_uint8(result.paste)[0].numpy()) and shown[0].size == (32, 16)
    record = insetgan.Composition(result.refined, [], result)
    assert set(shown[0].seam) == set(shown[0].band) == set(record.result.insets) == {"face"}


def test_watching_changes_no_byte(toys):
    alone, watched = composed(toys), composed(toys, PreviewMaker(lambda preview: None, lambda: False, clock=Clock()))
    assert torch.equal(alone.images, watched.images)


def test_stop_comes_before_the_next_step(toys):
    seen = []

    def halted():
        seen.append(1)
        return len(seen) == 4

    with pytest.raises(Halted):
        composed(toys, PreviewMaker(lambda preview: None, halted))
    assert len(seen) == 4
