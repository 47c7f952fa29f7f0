import numpy as np
import pytest
import torch

from insetgan.refine.starts import GivenStart, SeededStart, another_seed, layer_trunc, start_latents
from insetgan.runtime.errors import UserError


def test_layers_have_their_own_psi(linear):
    generator = linear(24, 16)
    latents = start_latents(generator, [5], [0.9, 0.3])
    z = torch.from_numpy(np.random.RandomState(5).randn(1, 6)).float()
    for layer, psi in enumerate((0.9, 0.3, 0.3)):  # the last holds for the layers that follow
        assert torch.allclose(
            generator.ws(latents.tensors)[:, layer], generator.mapping(z, truncation_psi=psi)[:, layer], atol=1e-6
        )
    assert latents.tensors["delta"].any()


def test_one_psi_for_all_layers_leaves_no_offsets(linear):
    generator = linear(24, 16)
    alike = start_latents(generator, [5], [0.7, 0.7])
    assert not alike.tensors["delta"].any()
    assert torch.equal(alike.tensors["shared"], start_latents(generator, [5], 0.7).tensors["shared"])


@pytest.mark.parametrize("trunc", [[], [0.1] * 4])
def test_a_psi_for_no_layer_is_refused(trunc):
    with pytest.raises(UserError, match="the generator has 3 layers"):
        layer_trunc(trunc, 3)


def test_seeds_may_be_others_than_the_samples(linear):
    generator = linear(24, 16)
    start = SeededStart(0.7, {0: 12, 1: 12, 2: 5})
    latents = start.latents(generator, [2, 0])
    assert torch.equal(latents.tensors["shared"], start_latents(generator, [5, 12], 0.7).tensors["shared"])


def test_further_initialisations_differ_and_come_again(linear):
    generator, start = linear(24, 16), SeededStart(0.7)
    tries = [start.latents(generator, [3], again).tensors["shared"] for again in range(4)]
    assert torch.equal(tries[0], start_latents(generator, [3], 0.7).tensors["shared"])
    assert all((tries[i] - tries[j]).abs().max() > 0.01 for i in range(4) for j in range(i))
    assert torch.equal(tries[2], start.latents(generator, [3], 2).tensors["shared"])


def test_seeds_of_further_initialisations_rarely_meet():
    seeds = {another_seed(seed, again) for seed in range(2000) for again in range(4)}
    assert len(seeds) > 7990
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_given_codes_are_the_same_at_every_initialisation(linear):
    generator = linear(24, 16)
    codes = {
        3: {"shared": torch.ones(6), "delta": torch.zeros(3, 6)},
        4: {"shared": torch.zeros(6), "delta": torch.ones(3, 6)},
    }
    start = GivenStart(codes, "somewhere")
    assert torch.equal(generator.ws(start.latents(generator, [4, 3]).tensors), torch.ones(2, 3, 6))
    assert torch.equal(generator.ws(start.latents(generator, [4, 3], 2).tensors), torch.ones(2, 3, 6))


def test_codes_of_another_generator_are_refused(linear):
    start = GivenStart({3: {"shared": torch.ones(8), "delta": torch.zeros(5, 8)}}, "somewhere")
    with pytest.raises(
        UserError,
        match="start=somewhere: holds latents delta 5 x 8, shared 8, but the generator takes delta 3 x 6, shared 6",
    ):
        start.latents(linear(24, 16), [3])
