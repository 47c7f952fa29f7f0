import pytest
import torch

from insetgan.data.fitting import fitted

ROWS = torch.arange(6, dtype=torch.uint8).view(1, 6, 1).expand(3, 6, 2) * 10
"""[3, 6, 2], each row of one colour: 0, 10, ..., 50."""


def rows(image):
    return image[0, :, 0].tolist()


def test_the_middle_is_cut_out_of_what_is_too_high_or_too_wide():
    assert rows(fitted(ROWS, (2, 2), "center", (0, 0, 0))) == [20, 30]
    assert rows(fitted(ROWS.transpose(1, 2), (2, 2), "center", (0, 0, 0)).transpose(1, 2)) == [20, 30]


def test_a_whole_image_lies_in_the_middle_of_the_colour():
    fit = fitted(ROWS, (6, 5), "fit", (7, 8, 9))
    assert torch.equal(fit[:, :, 1:3], ROWS)
    for columns in (fit[:, :, :1], fit[:, :, 3:]):
        assert torch.equal(columns, torch.tensor([7, 8, 9], dtype=torch.uint8)[:, None, None].expand_as(columns))


@pytest.mark.parametrize("crop", ["none", "center", "fit"])
def test_an_image_of_the_size_stays_as_it_is(crop):
    assert torch.equal(fitted(ROWS, (6, 2), crop, (0, 0, 0)), ROWS)


def test_without_a_crop_the_ratio_changes():
    assert fitted(ROWS, (2, 4), "none", (0, 0, 0)).shape == (3, 2, 4)
