import numpy as np
import torch

from insetgan.networks.generator import Generator
from insetgan.refine.latents import Latents
from insetgan.refine.starts import start_latents


def small():
    torch.manual_seed(0)
    generator = Generator(
        height=16, width=8, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=16
    ).eval()
    generator.mapping.w_avg.normal_()
    return generator.requires_grad_(False)


def test_a_start_is_the_seeded_image_truncated():
    generator = small()
    latents = start_latents(generator, [5], 0.7)
    z = torch.from_numpy(np.random.RandomState(5).randn(1, 8)).float()
    assert torch.allclose(latents.ws, generator.mapping(z, truncation_psi=0.7))
    assert not latents.delta.any()
    assert torch.equal(latents.average, generator.mapping.w_avg)


def test_trunc_zero_is_the_mean_and_one_is_off():
    generator = small()
    assert torch.allclose(start_latents(generator, [1, 2], 0.0).shared, generator.mapping.w_avg.expand(2, 8))
    z = torch.from_numpy(np.random.RandomState(1).randn(1, 8)).float()
    assert torch.allclose(start_latents(generator, [1], 1.0).ws, generator.mapping(z))


def test_a_start_does_not_depend_on_its_company():
    generator = small()
    together = start_latents(generator, list(range(16)), 0.7)
    assert torch.equal(start_latents(generator, [7], 0.7).shared[0], together.shared[7])


def test_replacing_takes_whole_samples():
    generator = small()
    first, second = start_latents(generator, [0, 1], 1.0), start_latents(generator, [2, 3], 1.0)
    mixed = first.replaced(torch.tensor([False, True]), second)
    assert torch.equal(mixed.shared, torch.stack([first.shared[0], second.shared[1]]))


def test_each_space_has_its_own_centre_offsets_and_moving_codes():
    shared, delta = torch.ones(1, 2), torch.arange(6.0).view(1, 3, 2)
    for space, moving in (("w", [shared]), ("w+", [delta]), ("w*", [shared, delta])):
        latents = Latents(shared, delta, torch.zeros(2), space=space)
        assert latents.ws.tolist() == [[[1, 2], [3, 4], [5, 6]]]
        assert [one.data_ptr() for one in latents.moving] == [one.data_ptr() for one in moving]
        if space == "w+":
            assert torch.equal(latents.centres, latents.ws) and not latents.offsets.any()
        else:
            assert latents.centres.tolist() == [[[1, 1]]] and torch.equal(latents.offsets, delta)
