import pytest
import torch

from insetgan.detection.parts_net import PartsNet
from insetgan.inversion.feature_generator import FEATURES, FeatureGenerator
from insetgan.inversion.projector import Projector, draw_moving, mean_start, spread_of
from insetgan.networks.layered import DELTA, SHARED
from insetgan.ops.images import seeded_latents
from insetgan.runtime.errors import UserError

QUICK = {"perceptual": 0.0, "rate": 0.2}


def samples(generator, seeds):
    return generator(seeded_latents(seeds, generator.z_dim)).clamp(-1, 1)


def test_the_spread_is_the_root_mean_square_distance_of_w(generator):
    w = generator.mapping(seeded_latents(range(1000), 8))[:, 0]
    wanted = (w - generator.mapping.w_avg).square().mean().sqrt()
    assert spread_of(generator) == pytest.approx(float(wanted), rel=1e-5)


@pytest.mark.parametrize("space", ["w", "w+", "w*", "w+f"])
def test_projection_comes_closer_in_every_space(generator, space):
    images = samples(generator, [3, 4])
    found = Projector(steps=50, space=space, **QUICK).project(generator, images, mean_start(generator, 2))
    before, after = found.curves["l1"][:, 0], (found.images - images).abs().mean((1, 2, 3))
    assert (after < 0.8 * before).all()
    assert torch.equal(draw_moving(found.latents), found.images)
    assert found.curves["l1"].shape == (2, 51)


@pytest.mark.parametrize(
    ("space", "moved", "held"),
    [
        ("w", [SHARED], [DELTA]),
        ("w+", [DELTA], [SHARED]),
        ("w*", [SHARED, DELTA], []),
        ("w+f", [SHARED, FEATURES], [DELTA]),
    ],
)
def test_only_what_a_space_names_moves(generator, space, moved, held):
    start = mean_start(generator, 1)
    found = Projector(steps=3, space=space, **QUICK).project(generator, samples(generator, [1]), start).latents
    for name in moved:
        before = start.tensors.get(name, torch.zeros(()))
        assert (found.tensors[name] - before).abs().max() > 0
    for name in held:
        assert torch.equal(found.tensors[name], start.tensors[name])


def test_samples_of_a_batch_do_not_influence_each_other(generator):
    images = samples(generator, [3, 4])
    projector = Projector(steps=10, **QUICK)
    together = projector.project(generator, images, mean_start(generator, 2)).images
    alone = projector.project(generator, images[1:], mean_start(generator, 1)).images
    assert torch.allclose(together[1:], alone, atol=1e-4)


def test_the_best_state_is_kept(generator):
    start = mean_start(generator, 1)
    wild = Projector(steps=5, rate=1000.0, perceptual=0.0, ramp_up=0.0)
    image = draw_moving(start)
    found = wild.project(generator, image, start)
    assert int(found.best_step) == 0 and torch.equal(found.images, image)


def test_terms_are_plain_means_of_their_definition(generator):
    start, image = mean_start(generator, 1), samples(generator, [5])
    found = Projector(steps=0, delta=1.0, average=1.0, l2=2.0, perceptual=0.0).project(generator, image, start)
    difference = draw_moving(start) - image
    wanted = difference.abs().mean() + 2 * difference.square().mean()
    assert float(found.total) == pytest.approx(float(wanted), rel=1e-5)
    assert found.curves["delta"].item() == 0 and found.curves["average"].item() == 0


def test_a_perceptual_term_needs_a_network(generator):
    image, start = samples(generator, [5]), mean_start(generator, 1)
    with pytest.raises(ValueError, match="needs a perceptual network"):
        Projector(steps=1).project(generator, image, start)
    network = PartsNet(working_height=32).eval().requires_grad_(False)
    found = Projector(steps=2).project(generator, image, start, perceptual=network)
    assert found.curves["perceptual"].shape == (1, 3) and (found.curves["perceptual"] > 0).all()


def test_images_of_another_size_are_refused(generator):
    with pytest.raises(ValueError, match="height, width"):
        Projector(steps=1, perceptual=0.0).project(generator, torch.zeros(1, 3, 8, 8), mean_start(generator, 1))


def test_a_map_of_zeros_changes_nothing_and_others_do(generator):
    wider, start = FeatureGenerator(generator), mean_start(generator, 2)
    latents = wider.started(start.tensors)
    assert wider.block == 8 and latents[FEATURES].shape == (2, 8, 8, 8)
    assert torch.allclose(wider.render(latents), generator.render(start.tensors), atol=1e-6)
    latents[FEATURES][1] += 0.5
    changed = (wider.render(latents) - generator.render(start.tensors)).abs().amax((1, 2, 3))
    assert changed[0] < 1e-6 < changed[1]


def test_blocks_that_there_are_not_are_named(generator):
    with pytest.raises(UserError, match=r"feature_rows=5: .*allowed: 8, 16"):
        FeatureGenerator(generator, 5)
    with pytest.raises(UserError, match="needs a StyleGAN2"):
        FeatureGenerator(object())
