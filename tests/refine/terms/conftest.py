from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional

from insetgan.networks.layered import Layered
from insetgan.ops.regions import Region
from insetgan.refine.latents import Latents
from insetgan.refine.locations import Locations
from insetgan.refine.views import View


class Pyramid:
    """Seeded random convolutions at two scales: features without training, smooth for gradcheck."""

    def __init__(self, dtype=torch.float32):
        generator = torch.Generator().manual_seed(1)
        self.kernels = [(torch.randn(5, channels, 3, 3, generator=generator) * 0.5).to(dtype) for channels in (3, 5)]
        self.calls = 0

    def features(self, images):
        self.calls += 1
        maps, x = [], images
        for stride, kernel in enumerate(self.kernels, start=1):
            x = torch.tanh(functional.conv2d(x, kernel, stride=stride, padding=1))
            maps.append(x)
        return tuple(maps)


class Averaged(Layered):
    """A generator of which only the mean is known."""

    def __init__(self, average):
        self.mapping = SimpleNamespace(w_avg=average)


def latents_of(shared, delta, average):
    return Latents({"shared": shared, "delta": delta}, Averaged(average))


@pytest.fixture
def pyramid():
    return Pyramid


@pytest.fixture
def view():
    """Builds a view of one part on 16 x 12 canvases, everything overridable."""

    def build(count=2, dtype=torch.float32, box=(2, 4, 10, 12), **changes):
        generator = torch.Generator().manual_seed(0)

        def noise(*shape):
            return torch.rand(shape, generator=generator, dtype=torch.float64).mul(2).sub(1).to(dtype)

        average = noise(6)
        given = dict(
            canvas=noise(count, 3, 16, 12),
            insets={"face": noise(count, 3, 8, 8)},
            regions={"face": Region.at(torch.tensor([box] * count), (16, 12), (8, 8))},
            latents={
                "canvas": latents_of(noise(count, 6), noise(count, 4, 6), average),
                "face": latents_of(noise(count, 6), noise(count, 3, 6), average),
            },
            reference=noise(count, 3, 16, 12),
            inset_references={"face": noise(count, 3, 8, 8)},
            interiors={"face": torch.ones(1, 1, 8, 8, dtype=dtype)},
            perceptual=Pyramid(dtype),
        )
        given |= changes
        locations = Locations({}, given.pop("regions"), torch.ones(count, dtype=torch.bool))
        return View.of(given.pop("canvas"), given.pop("insets"), locations, given.pop("latents"), **given)

    return build


@pytest.fixture
def codes():
    return latents_of
