import numpy as np
import pytest
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
    assert torch.allclose(generator.ws(latents.tensors), generator.mapping(z, truncation_psi=0.7))
    assert not latents.tensors["delta"].any()
    assert torch.equal(generator.mean["shared"], generator.mapping.w_avg) and not generator.mean["delta"].any()


def test_trunc_zero_is_the_mean_and_one_is_off():
    generator = small()
    assert torch.allclose(start_latents(generator, [1, 2], 0.0).tensors["shared"], generator.mapping.w_avg.expand(2, 8))
    z = torch.from_numpy(np.random.RandomState(1).randn(1, 8)).float()
    assert torch.allclose(generator.ws(start_latents(generator, [1], 1.0).tensors), generator.mapping(z))


def test_a_start_does_not_depend_on_its_company():
    generator = small()
    together = start_latents(generator, list(range(16)), 0.7)
    assert torch.equal(start_latents(generator, [7], 0.7).tensors["shared"][0], together.tensors["shared"][7])


def test_replacing_takes_whole_samples():
    generator = small()
    first, second = start_latents(generator, [0, 1], 1.0), start_latents(generator, [2, 3], 1.0)
    mixed = first.replaced(torch.tensor([False, True]), second)
    assert torch.equal(mixed.tensors["shared"], torch.stack([first.tensors["shared"][0], second.tensors["shared"][1]]))


def test_each_space_has_its_own_distance_offsets_and_moving_latents():
    generator = Generator(height=8, width=8, z_dim=2, w_dim=2, mapping_layers=1, channel_base=8, channel_max=2)
    generator.num_ws = 3
    generator.mapping.w_avg.copy_(torch.tensor([1.0, -1.0]))
    shared, delta = torch.ones(1, 2), torch.arange(6.0).view(1, 3, 2)
    for space, moving in (("w", [shared]), ("w+", [delta]), ("w*", [shared, delta])):
        latents = Latents({"shared": shared, "delta": delta}, generator, space)
        assert generator.ws(latents.tensors).tolist() == [[[1, 2], [3, 4], [5, 6]]]
        assert [one.data_ptr() for one in latents.moving] == [one.data_ptr() for one in moving]
        if space == "w+":  # (0, 3), (2, 5) and (4, 7) from the mean, and no offsets
            assert latents.distance.tolist() == [[4.5, 14.5, 32.5]] and latents.offsets.tolist() == [[0, 0, 0]]
        else:  # w* is (0, 2) from the mean; the offsets are (0, 1), (2, 3) and (4, 5)
            assert latents.distance.tolist() == [[2]] and latents.offsets.tolist() == [[0.5, 6.5, 20.5]]
    assert Latents({"shared": shared, "delta": delta}, generator).space == "w*"
    with pytest.raises(ValueError, match=r"space=z: must be one of w\*, w, w\+"):
        Latents({"shared": shared, "delta": delta}, generator, "z")
