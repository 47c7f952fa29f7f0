"""Pictures of seeds."""

import numpy as np
import pytest
import torch

import insetgan
from insetgan.networks import Generator
from insetgan.ops.images import to_uint8
from insetgan.studio import gallery as gallery_module
from insetgan.studio.gallery import SeedGallery

TINY = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 64, "channel_max": 8}


@pytest.fixture
def generator():
    torch.manual_seed(1)
    return Generator(height=32, width=16, **TINY).eval().requires_grad_(False)


def test_seeds_are_those_of_the_library_and_drawn_once(generator, monkeypatch):
    drawn = []
    monkeypatch.setattr(gallery_module, "draw", lambda *given: drawn.append(given[1]) or insetgan.draw(*given))
    gallery = SeedGallery(generator)
    first = gallery.pictures(12, 0.7)
    more = gallery.pictures(24, 0.7)
    assert drawn == [list(range(12)), list(range(12, 24))]
    assert [name for _, name in more] == [f"seed {seed}" for seed in range(24)]
    expected = to_uint8(insetgan.draw(generator, range(12), 0.7)).numpy()
    assert np.abs(np.asarray(more[3][0]).astype(int) - expected[3]).max() <= 1
    assert all(one is two for (one, _), (two, _) in zip(first, more[:12], strict=True))
    gallery.pictures(1, 0.5)
    assert drawn[2] == [0]


def test_it_keeps_and_draws_no_more_than_it_may(generator, monkeypatch):
    monkeypatch.setattr(gallery_module, "MOST_SEEDS", 5)
    monkeypatch.setattr(gallery_module, "_MOST_KEPT", 6)
    gallery = SeedGallery(generator)
    assert len(gallery.pictures(1000, 0.7)) == 5
    gallery.pictures(5, 0.2)
    assert len(gallery._drawn) == 6
    gallery.close()
    assert gallery.pictures(5, 0.9) == []
