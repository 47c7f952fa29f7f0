import pytest
import torch
from torch.nn import functional

from insetgan.ops.resampling import crop_matrix, paste_matrix, resample


def one(value):
    return torch.tensor([value])


def resized(images, height, width):
    return functional.interpolate(images, (height, width), mode="bilinear", antialias=True, align_corners=False)


def test_halving_by_hand():
    # Triangle of half width 2 round each target centre: weights 1 3 3 1, cut at the window's ends, normalised.
    expected = torch.tensor([[0, 3 / 7, 3 / 7, 1 / 7, 0, 0], [0, 0, 1 / 7, 3 / 7, 3 / 7, 0]], dtype=torch.float64)
    assert torch.allclose(crop_matrix(one(1), one(5), 6, 2)[0], expected)


def test_doubling_by_hand():
    expected = torch.tensor([[0, 1, 0], [0, 0.75, 0.25], [0, 0.25, 0.75], [0, 0, 1]], dtype=torch.float64)
    assert torch.allclose(crop_matrix(one(1), one(3), 3, 4)[0], expected)


def test_paste_by_hand():
    expected = torch.tensor([[0, 0], [1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1], [0, 0]], dtype=torch.float64)
    assert torch.allclose(paste_matrix(one(1), one(5), 6, 2)[0], expected)


@pytest.mark.parametrize("box", [(3, 2, 19, 18), (0, 0, 20, 24), (5, 9, 6, 10), (2, 4, 9, 21)])
@pytest.mark.parametrize("size", [5, 16, 40])
def test_crop_agrees_with_interpolate_of_the_crop(box, size):
    images = torch.rand(1, 3, 24, 20)
    x0, y0, x1, y1 = box
    rows, columns = crop_matrix(one(y0), one(y1), 24, size), crop_matrix(one(x0), one(x1), 20, size)
    expected = resized(images[:, :, y0:y1, x0:x1], size, size)
    assert torch.allclose(resample(images, rows, columns), expected, atol=1e-5)


@pytest.mark.parametrize("box", [(3, 2, 19, 18), (0, 0, 20, 24), (5, 9, 6, 10)])
def test_paste_agrees_with_interpolate_and_leaves_the_rest_empty(box):
    inset = torch.rand(1, 3, 12, 16)
    x0, y0, x1, y1 = box
    rows, columns = paste_matrix(one(y0), one(y1), 24, 12), paste_matrix(one(x0), one(x1), 20, 16)
    expected = torch.zeros(1, 3, 24, 20)
    expected[:, :, y0:y1, x0:x1] = resized(inset, y1 - y0, x1 - x0)
    assert torch.allclose(resample(inset, rows, columns), expected, atol=1e-5)


def test_same_size_is_the_identity_both_ways():
    assert torch.equal(crop_matrix(one(2), one(7), 9, 5)[0], torch.eye(9, dtype=torch.float64)[2:7])
    assert torch.equal(paste_matrix(one(2), one(7), 9, 5)[0], torch.eye(9, dtype=torch.float64)[:, 2:7])


def test_every_sample_has_its_own_window():
    start, stop = torch.tensor([0, 3, 5]), torch.tensor([8, 7, 6])
    together = crop_matrix(start, stop, 10, 4)
    for i in range(3):
        assert torch.equal(together[i : i + 1], crop_matrix(start[i : i + 1], stop[i : i + 1], 10, 4))


def test_autocast_does_not_touch_the_precision():
    images = torch.rand(1, 3, 24, 20)
    rows, columns = crop_matrix(one(1), one(18), 24, 16), crop_matrix(one(1), one(18), 20, 16)
    exact = resample(images, rows, columns)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(resample(images, rows, columns), exact)


def test_gradient_is_the_transpose():
    images = torch.rand(1, 2, 7, 6, dtype=torch.float64, requires_grad=True)
    rows, columns = crop_matrix(one(1), one(6), 7, 3), crop_matrix(one(0), one(5), 6, 8)
    assert torch.autograd.gradcheck(lambda x: resample(x, rows, columns), images)
