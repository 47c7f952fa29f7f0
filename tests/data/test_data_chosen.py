import pytest
import torch

from insetgan.data.chosen import chosen_images


def test_images_are_spread_evenly_and_come_as_floats():
    images = torch.arange(10, dtype=torch.uint8)[:, None, None, None].expand(10, 3, 2, 2)
    found = chosen_images(images, 5)
    assert found.shape == (5, 3, 2, 2)
    torch.testing.assert_close((found[:, 0, 0, 0] + 1) * 127.5, torch.tensor([0.0, 2.0, 4.0, 6.0, 8.0]))
    assert float(chosen_images(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8), 1).max()) == 1


def test_labels_are_left_out_and_small_sets_taken_whole():
    pairs = [(torch.zeros(3, 2, 2, dtype=torch.uint8), torch.ones(4))] * 3
    assert chosen_images(pairs, 100).shape == (3, 3, 2, 2)


def test_no_image_is_refused():
    with pytest.raises(ValueError, match="num=0"):
        chosen_images([], 0)
