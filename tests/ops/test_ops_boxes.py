import pytest
import torch

from insetgan.ops.boxes import (
    band_thickness,
    border_band,
    inside_boxes,
    round_half_up,
    shrink_boxes,
    square_boxes,
)


def test_square_box_by_hand():
    # 10 x 20 box, centre (25, 40): longer side 20, margin 0.25 -> side 30 -> x 10..40, y 25..55.
    boxes = square_boxes(torch.tensor([[20.0, 30.0, 30.0, 50.0]]), 0.25, 100, 60)
    assert boxes.tolist() == [[10, 25, 40, 55]]
    assert boxes.dtype == torch.int64


def test_square_box_is_pushed_inside_and_keeps_its_side():
    boxes = square_boxes(torch.tensor([[0.0, 0.0, 10.0, 10.0], [55.0, 95.0, 60.0, 100.0]]), 0.5, 100, 60)
    assert boxes.tolist() == [[0, 0, 20, 20], [50, 90, 60, 100]]


def test_square_box_never_exceeds_the_shorter_side():
    assert square_boxes(torch.tensor([[0.0, 0.0, 16.0, 90.0]]), 0.2, 100, 16).tolist() == [[0, 37, 16, 53]]


def test_square_box_moves_with_the_image():
    exact = torch.tensor([[10.3, 12.7, 21.9, 25.1]])
    moved = square_boxes(exact + torch.tensor([7.0, 5.0, 7.0, 5.0]), 0.15, 100, 100)
    assert torch.equal(moved, square_boxes(exact, 0.15, 100, 100) + torch.tensor([7, 5, 7, 5]))


def test_margin_that_leaves_nothing_is_refused():
    with pytest.raises(ValueError, match=r"margin=-0\.5"):
        square_boxes(torch.zeros(1, 4), -0.5, 10, 10)


def test_halves_round_upwards_on_both_sides_of_zero():
    assert round_half_up(torch.tensor([-1.5, -0.5, 0.5, 1.5, 2.5])).tolist() == [-1, 0, 1, 2, 3]


def test_inside_marks_exactly_the_half_open_box():
    inside = inside_boxes(torch.tensor([[1, 0, 3, 2], [0, 0, 0, 3]]), 3, 4)
    assert inside.shape == (2, 1, 3, 4)
    assert inside[0, 0].int().tolist() == [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    assert not inside[1].any()


def test_band_is_an_eighth_of_the_side_and_at_least_a_pixel():
    sides = torch.tensor([[0, 0, 64, 64], [0, 0, 40, 40], [0, 0, 4, 4], [0, 0, 44, 44]])
    assert band_thickness(sides).tolist() == [8, 5, 1, 6]


def test_border_band_by_hand():
    band = border_band(torch.tensor([[0, 0, 4, 4]]), 5, 5, 1)[0, 0].int()
    assert band.tolist() == [[1, 1, 1, 1, 0], [1, 0, 0, 1, 0], [1, 0, 0, 1, 0], [1, 1, 1, 1, 0], [0, 0, 0, 0, 0]]


def test_border_band_of_a_box_thinner_than_twice_the_band_is_all_of_it():
    boxes = torch.tensor([[1, 1, 4, 4]])
    assert torch.equal(border_band(boxes, 6, 6, 2), inside_boxes(boxes, 6, 6))


def test_shrink_takes_a_number_a_sample():
    boxes = torch.tensor([[0, 0, 9, 9], [0, 0, 9, 9]])
    assert shrink_boxes(boxes, torch.tensor([1, 2])).tolist() == [[1, 1, 8, 8], [2, 2, 7, 7]]
