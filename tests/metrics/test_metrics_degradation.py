"""Worse images are farther from the rendered people, by clean-fid on random filters and by PartsNet."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional

from insetgan.data.datasets import ImageDataset
from insetgan.metrics.features import PartsFeatures, describe
from insetgan.metrics.images import real_images
from insetgan.metrics.registry import feature_metrics
from insetgan.weights.store import load_network

COUNT = 160
HEIGHT, WIDTH = 128, 64


class Resized(nn.Module):
    """Random filters without a mean, at three scales, on what clean-fid's resizer gives; named as its Inception is."""

    name, title, num_features = "inception_clean", "Inception, clean", 48

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        drawn = [torch.randn(16, 3, size, size, generator=generator) / size for size in (5, 11, 23)]
        self.filters = [each - each.mean((2, 3), keepdim=True) for each in drawn]

    def forward(self, images):
        from cleanfid.resize import build_resizer

        resize = build_resizer("clean")
        given = torch.stack([torch.from_numpy(resize(each)) for each in images.permute(0, 2, 3, 1).numpy()])
        given = given.permute(0, 3, 1, 2) / 127.5 - 1
        maps = [functional.conv2d(given, weight, stride=5).relu() for weight in self.filters]
        return torch.cat([each.mean((2, 3)) for each in maps], dim=1)


@pytest.fixture(scope="module")
def people():
    dataset = ImageDataset(None, HEIGHT, WIDTH)
    images = torch.cat(list(real_images(dataset, 2 * COUNT)))
    shuffled = images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]
    return shuffled[:COUNT], shuffled[COUNT : 2 * COUNT]


@pytest.fixture(scope="module", params=["inception_clean", "parts"])
def setting(request, people):
    extractor = Resized() if request.param == "inception_clean" else PartsFeatures(load_network("parts", kind="parts"))
    return extractor, feature_metrics(["fid"], extractor)[0], describe(extractor, people[0].split(20))


def blurred(images, strength):
    if not strength:
        return images
    small = functional.interpolate(images.float(), scale_factor=1 / strength, mode="bilinear", antialias=True)
    large = functional.interpolate(small, images.shape[2:], mode="bilinear")
    return large.round().clamp(0, 255).to(torch.uint8)


def noisy(images, strength):
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(1)) * strength
    return (images + noise).round().clamp(0, 255).to(torch.uint8)


def dropped(images, strength):
    """Only the first few people, again and again."""
    return images[torch.arange(len(images)) % (len(images) // strength)]


@pytest.mark.parametrize(
    ("worsen", "strengths"), [(blurred, (0, 2, 4, 8)), (noisy, (0, 8, 20, 50)), (dropped, (1, 8, 32, 80))]
)
def test_distance_grows_with_what_is_done_to_the_images(setting, people, worsen, strengths):
    extractor, metric, real = setting
    distances = [
        metric.measure(real, describe(extractor, worsen(people[1], strength).split(20))) for strength in strengths
    ]
    assert all(less < more for less, more in itertools.pairwise(distances)), distances
    assert distances[-1] > 1.5 * distances[0]


def test_people_are_at_no_distance_from_themselves(setting):
    _, metric, real = setting
    assert abs(metric.measure(real, real)) < 1e-3
