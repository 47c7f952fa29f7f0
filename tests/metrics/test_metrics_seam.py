import math

import pytest
import torch

from insetgan.metrics.seam import band, body_change, seam, step_across


def flat(value, height=8, width=8):
    return torch.full((1, height, width, 3), value, dtype=torch.uint8)


BOX = torch.tensor([[2, 2, 6, 6]])


def test_step_across_by_hand():
    # Columns 0, 10, 20 ... and a box: the 8 horizontal pairs differ by 10, the 8 vertical ones by 0.
    ramp = (torch.arange(8) * 10).to(torch.uint8).view(1, 1, 8, 1).expand(1, 8, 8, 3)
    assert step_across(ramp, BOX).item() == 5


def test_seam_is_the_ratio_of_the_steps():
    ramp = (torch.arange(8) * 10).to(torch.uint8).view(1, 1, 8, 1).expand(1, 8, 8, 3)
    composite = ramp.clone()
    composite[:, 2:6, 2:6] += 6  # left 16, right 4, up and down 6: mean 8
    assert seam(ramp, composite, BOX).item() == pytest.approx(8 / 5)
    assert seam(ramp, ramp, BOX).item() == 1


def test_a_flat_canvas_counts_as_one_level():
    composite = flat(100)
    composite[:, 2:6, 2:6] = 103
    assert seam(flat(100), composite, BOX).item() == 3


def test_sides_on_the_border_of_the_image_do_not_count():
    composite = flat(0)
    box = torch.tensor([[0, 0, 4, 8]])  # only the right side has neighbours
    composite[:, :, :4] = 9
    assert step_across(composite, box).item() == 9


def test_a_box_that_covers_everything_has_no_seam():
    assert math.isnan(seam(flat(0), flat(9), torch.tensor([[0, 0, 8, 8]])).item())


def test_band_looks_only_at_the_band():
    composite = flat(50)
    composite[:, 3:5, 3:5] = 200  # the middle of a 4 x 4 box, band 1 pixel: ignored
    assert band(flat(50), composite, BOX).item() == 0
    composite[:, 2, 2] = 62  # one of the 12 pixels of the band
    assert band(flat(50), composite, BOX).item() == 1


def test_band_thickness_follows_the_box():
    composite = flat(0, 64, 64)
    composite[:, 8:56, 8:56] = 255
    assert band(flat(0, 64, 64), composite, torch.tensor([[0, 0, 64, 64]])).item() == 0
    composite[:, 7, 7] = 255
    assert band(flat(0, 64, 64), composite, torch.tensor([[0, 0, 64, 64]])).item() == pytest.approx(255 / 1792)


def test_body_change_leaves_out_all_boxes():
    after = flat(10)
    after[:, 2:6, 2:6] = 255
    after[:, 0, 0] = 20
    assert body_change(flat(10), after, [BOX]).item() == pytest.approx(10 / 48)
    assert body_change(flat(10), after, [BOX, torch.tensor([[0, 0, 1, 1]])]).item() == 0


def test_differences_do_not_wrap_round():
    assert band(flat(0), flat(255), BOX).item() == 255


def test_samples_are_measured_apart():
    canvas = torch.cat([flat(10), flat(20)])
    composite = torch.cat([flat(10), flat(23)])
    assert band(canvas, composite, BOX.expand(2, 4)).tolist() == [0, 3]
