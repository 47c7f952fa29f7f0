"""What is measured of images beside their features."""

import pytest
import torch

from insetgan.evaluation.cell import DIVERSITY
from insetgan.evaluation.crops import Crops
from insetgan.evaluation.description_module import DescriptionModule
from insetgan.evaluation.images import Images


class Greys:
    """Images as bright as their seed."""

    networks = ()

    def images(self, seeds):
        return Images(torch.stack([torch.full((3, 4, 4), seed, dtype=torch.uint8) for seed in seeds]))


class Mean:
    num_features = 1

    def __call__(self, images):
        return images.float().mean((1, 2, 3))[:, None]


def difference(ours, theirs):
    return (ours - theirs).abs().mean((1, 2, 3)) * 127.5


@pytest.mark.parametrize(("seeds", "distances"), [([0, 10, 30], [10, 20, 30]), ([0, 10], [10, None]), ([5], [None])])
def test_no_pair_counts_twice(seeds, distances):
    module = DescriptionModule(Greys(), Crops(None, {}, 8), Mean(), distance=difference)
    found = module.predict_step(seeds).figures[f"{DIVERSITY}.body"].tolist()
    assert [None if value != value else round(value) for value in found] == distances
