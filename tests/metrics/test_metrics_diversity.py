import pytest
import torch

from insetgan.metrics.diversity import diversity, pair_distances, random_pairs


def grey(value):
    return torch.full((3, 4, 4), value, dtype=torch.uint8)


def reader(images, asked=None):
    def read(indices):
        if asked is not None:
            asked.append(len(indices))
        return torch.stack([images[index] for index in indices])

    return read


def difference(ours, theirs):
    return (ours - theirs).abs().mean((1, 2, 3)) * 127.5


def test_mean_of_all_pairs_by_hand():
    images = [grey(0), grey(10), grey(40)]  # 10, 40, 30
    assert diversity(reader(images), 3, difference) == pytest.approx(80 / 3, abs=1e-4)


def test_equal_images_have_none():
    assert diversity(reader([grey(9)] * 5), 5, difference) == 0


def test_pairs_are_different_seeded_and_of_different_images():
    pairs = random_pairs(50, 200, 1)
    assert len(set(pairs)) == 200
    assert all(0 <= i < j < 50 for i, j in pairs)
    assert pairs == random_pairs(50, 200, 1) != random_pairs(50, 200, 2)
    assert random_pairs(3, 100, 0) == [(0, 1), (0, 2), (1, 2)]


def test_few_images_are_read_at_once():
    asked = []
    images = [grey(value) for value in range(200)]
    found = pair_distances(reader(images, asked), random_pairs(200, 100, 0), difference)
    assert found.shape == (100,)
    assert max(asked) <= 16
    assert found.tolist() == pytest.approx([j - i for i, j in random_pairs(200, 100, 0)], abs=1e-4)


def test_two_images_are_needed():
    with pytest.raises(ValueError, match="2 images"):
        diversity(reader([grey(0)]), 1, difference)
