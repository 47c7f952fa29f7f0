"""Training of CoModGAN: what its phases see, and that a run goes on to the bit."""

import io

import pytest
import torch
from rich.console import Console

from insetgan.completion.generator import CoModGenerator
from insetgan.completion.holes import Holes
from insetgan.completion.module import CoModModule
from insetgan.detection.parts_net import PartsNet
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.local_critics import LocalProjectedDiscriminator
from insetgan.ops.fir import downsample2d, upsample2d
from insetgan.training.options import RunOptions
from insetgan.training.run import TrainingRun
from insetgan.training.transfer import start_from
from insetgan.weights.store import load_network

SHAPE = {"height": 16, "width": 8, "channel_base": 256, "channel_max": 8}


class Shown(torch.utils.data.Dataset):
    """Images of noise with a face each."""

    def __init__(self, count=5, height=16, width=8):
        source = torch.Generator().manual_seed(0)
        self.images = torch.randint(256, (count, 3, height, width), dtype=torch.uint8, generator=source)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index], torch.tensor([2.0, 1.0, 6.0, 5.0])


def make(seed=0, height=16, width=8, **settings):
    torch.manual_seed(seed)
    shape = SHAPE | {"height": height, "width": width}
    generator = CoModGenerator(z_dim=8, w_dim=8, mapping_layers=2, **shape)
    discriminator = Discriminator(img_channels=4, **shape)
    return CoModModule(
        generator, discriminator, shown=Shown(3, height, width), **{"batch_size": 4, "gamma": 10.0} | settings
    )


def make_local(seed=0, **settings):
    """A module whose critics look closely at holes, on images 32 x 16."""
    torch.manual_seed(seed)
    generator = CoModGenerator(z_dim=8, w_dim=8, mapping_layers=2, **SHAPE | {"height": 32, "width": 16})
    features = {"scales": (1, 2), "mixed_channels": 4, "critic_channels": 4}
    critics = LocalProjectedDiscriminator(
        PartsNet(working_height=64), height=32, width=16, img_channels=4, window=0.25, **features
    )
    fixed = {"batch_size": 4, "gamma": 0.0, "loss": "hinge", "noise": False}
    return CoModModule(generator, critics, shown=Shown(3, 32, 16), **fixed | settings)


def run(module, out, kimg, **options):
    settings = {
        "batch_size": 4,
        "precision": "32-true",
        "accelerator": "cpu",
        "grid": 2,
        "snapshot_kimg": 0.008,
    } | options
    images = Shown(5, module.G.height, module.G.width)
    options = RunOptions(out=out, max_kimg=kimg, **settings)
    return TrainingRun(module, images, options, console=Console(file=io.StringIO())).fit()


def test_a_run_that_was_stopped_goes_on_to_the_bit(tmp_path):
    settings = {"style_mixing": 0.5, "l1_weight": 1.0, "r1_interval": 2}
    run(make(**settings), tmp_path / "whole", 0.024)
    run(make(**settings), tmp_path / "parts", 0.008)
    run(make(1, **settings), tmp_path / "parts", 0.024)
    whole, parts = (torch.load(tmp_path / name / "last.ckpt", weights_only=True) for name in ("whole", "parts"))
    assert int(whole["state_dict"]["cur_nimg"]) == 24
    for name, tensor in whole["state_dict"].items():
        assert torch.equal(tensor, parts["state_dict"][name]), name
    made = load_network(tmp_path / "whole" / "network-last.safetensors", kind="comodgan")
    assert (made.height, made.width) == (16, 8)
    assert sorted(path.name for path in (tmp_path / "whole" / "samples").glob("*0.024*")) == [
        "00000.024kimg-completions.png"
    ]


def test_a_size_that_is_not_4_times_a_power_of_two_is_trained(tmp_path):
    module = make(height=24, width=20)
    before = {name: weight.clone() for name, weight in module.G.named_parameters()}
    assert run(module, tmp_path, 0.004).kimg == 0.004
    assert any(name.startswith("encoder.b6.") for name in before)
    assert all(not torch.equal(weight, before[name]) for name, weight in module.G.named_parameters() if "fc" in name)


def test_a_run_with_local_critics_goes_on_to_the_bit(tmp_path):
    run(make_local(), tmp_path / "whole", 0.016)
    run(make_local(), tmp_path / "parts", 0.008)
    run(make_local(1), tmp_path / "parts", 0.016)
    whole, parts = (torch.load(tmp_path / name / "last.ckpt", weights_only=True) for name in ("whole", "parts"))
    assert any(name.startswith("D.local.critics") for name in whole["state_dict"])
    for name, tensor in whole["state_dict"].items():
        assert torch.equal(tensor, parts["state_dict"][name]), name


@pytest.mark.parametrize("maker", [make, make_local])
def test_rounds_of_a_batch_give_the_gradients_of_the_whole(maker):
    found = []
    for settings in ({}, {"batch_gpu": 2}):
        module = maker(noise=False, l1_weight=2.0, **settings)
        if maker is make:
            module.D.mbstd_group_size = module.D.b4.mbstd_group_size = 2
        else:
            module.D.eval()  # spectral norms then stay as they are, however often they are asked for
        images = Shown(5, module.G.height, module.G.width)
        batch = next(iter(torch.utils.data.DataLoader(images, 4)))
        real = module.real_batch(batch, module._draws(module.share(), "real"))
        gradients = {}
        for phase in module.phases:
            module.find_gradients(phase, module.share(), real)
            network = module.G if phase.network == "G" else module.D
            gradients |= {
                f"{phase.name}/{name}": p.grad.clone() for name, p in network.named_parameters() if p.grad is not None
            }
        found.append(gradients)
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        near = 1e-3 * float(gradient.abs().max()) + 1e-8  # relative to the tensor, or small gradients could be anything
        torch.testing.assert_close(found[1][name], gradient, atol=near, rtol=1e-3, msg=name)


def test_both_kinds_of_images_are_judged_with_the_mask_and_agree_where_it_is_one():
    module = make(noise=False)
    batch = next(iter(torch.utils.data.DataLoader(Shown(), 4)))
    batch = module.real_batch(batch, module._draws(module.share(), "real"))
    real, known, seen = batch.images, batch.condition, []
    module.D.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    phase = next(phase for phase in module.phases if phase.name == "Dmain")
    module.find_gradients(phase, module.share(), batch)
    fake, true = seen
    assert torch.equal(fake[:, :1], known - 0.5)
    assert torch.equal(true[:, :1], known - 0.5)
    assert torch.equal(true[:, 1:], real)
    visible = known.expand_as(real) > 0
    assert torch.equal(fake[:, 1:][visible], real[visible])
    assert not bool((fake[:, 1:] == real)[~visible].any())


def test_local_critics_look_at_one_place_of_both_kinds_and_at_others_in_the_next_step():
    module = make_local()
    batch = next(iter(torch.utils.data.DataLoader(Shown(4, 32, 16), 4)))
    places, windows = [], []
    module.D.register_forward_pre_hook(lambda _, given, named: places.append(named["places"]), with_kwargs=True)
    module.D.local.register_forward_pre_hook(lambda _, given: windows.append(given[0].detach()))
    for nimg in (0, 4):
        module.nimg = nimg
        real = module.real_batch(batch, module._draws(module.share(), "real"))
        for phase in module.phases:
            module.find_gradients(phase, module.share(), real)
    assert len(places) == 2 * 3, "Gmain looks at what was made, Dmain at both kinds"
    assert torch.equal(places[1], places[2])
    drawn = torch.cat([places[0], places[1], places[3], places[4]])
    assert len(drawn.unique()) == len(drawn), "each image, phase and step has a place of its own"
    for window in windows:
        assert bool((window[:, 0] < 0).flatten(1).any(1).all()), "every window lies round a pixel of a hole"


def test_boxes_are_mirrored_with_their_images():
    image = torch.zeros(16, 3, 16, 8, dtype=torch.uint8)
    image[:, :, 4:8, 0:4] = 255  # a face at the left rim
    boxes = torch.tensor([[0.0, 4.0, 4.0, 8.0]]).expand(16, 4)
    module = make(mirror=True, holes={"surroundings": 1.0}, batch_size=16)
    batch = module.real_batch((image, boxes), module._draws(module.share(), "real"))
    real, known = batch.images, batch.condition
    flipped = real[:, 0, 5, 7] > 0
    assert 0 < int(flipped.sum()) < 16
    left, right = known[..., :4].sum((1, 2, 3)), known[..., 4:].sum((1, 2, 3))
    assert bool(((right > left) == flipped).all()), "what is known lies round the face, on whichever side"
    still = make(mirror=False, holes={"surroundings": 1.0}, batch_size=16)
    batch = still.real_batch((image, boxes), still._draws(still.share(), "real"))
    assert torch.equal(batch.images[:, 0, 5, 0], torch.ones(16))


def test_the_l1_term_looks_at_what_is_drawn_before_known_pixels_are_copied():
    batch = next(iter(torch.utils.data.DataLoader(Shown(), 4)))
    plain, pulled = make(noise=False), make(noise=False, l1_weight=3.0)
    results = []
    for module in (plain, pulled):
        real_batch = module.real_batch(batch, module._draws(module.share(), "real"))
        phase = module.phases[0]
        (inputs,) = module.phase_inputs(phase, module.share(), real_batch)
        results.append(phase.loss(inputs))
    (adversarial, _), (both, scalars) = results
    drawn, real, known = inputs.condition.drawn, real_batch.images, real_batch.condition
    error = (drawn - real).abs().mean((1, 2, 3))
    torch.testing.assert_close(scalars["Loss/l1"], error)
    assert float((drawn - real).detach().abs()[known.expand_as(real) > 0].mean()) > 0.1, (
        "known pixels are not copied before"
    )
    torch.testing.assert_close(both, adversarial + 3 * error.mean())


def test_samples_are_the_same_in_any_batch_and_know_their_image():
    module = make()
    latents, chosen = torch.randn(5, 8), [2, 0, 1, 2, 0]
    whole = module.sample(latents, 1.0, chosen=chosen)
    torch.testing.assert_close(module.sample(latents[3:4], 1.0, chosen=[2])[0], whole[3], atol=1e-4, rtol=1e-4)
    image = module._shown[2][0].float() / 127.5 - 1
    assert float(((whole[0] - image).abs() < 1e-5).float().mean()) > 0.02


def test_measured_images_complete_all_shown_ones():
    module, chosen = make(), []
    sample = module.sample
    module.sample = lambda *given, **named: chosen.extend(named["chosen"]) or sample(*given, **named)
    images = torch.cat(list(module.generated(20)))
    assert images.shape == (20, 3, 16, 8) and images.dtype == torch.uint8
    assert len(chosen) == 20 and set(chosen) == {0, 1, 2}


def test_settings_that_do_not_fit_are_refused():
    generator = CoModGenerator(z_dim=8, w_dim=8, mapping_layers=2, **SHAPE)
    with pytest.raises(ValueError, match=r"discriminator.img_channels=3: must be 4"):
        CoModModule(generator, Discriminator(**SHAPE), batch_size=4)
    with pytest.raises(ValueError, match=r"pl_weight=2.0: must be 0"):
        make(pl_weight=2.0)
    with pytest.raises(ValueError, match=r"augment=bgc: must be none"):
        make(augment="bgc")
    with pytest.raises(ValueError, match=r"l1_weight=-1: must be"):
        make(l1_weight=-1)


def test_a_larger_network_starts_as_the_smaller_one(tmp_path):
    small, large = make(), make(1, 32, 16)
    torch.save({"state_dict": small.state_dict()}, tmp_path / "last.ckpt")
    lines = [str(transfer) for transfer in start_from(large, tmp_path / "last.ckpt", strict=False)]
    assert "not in the source, so new: encoder.b32, synthesis.b32" in lines[0]
    images, known = (
        torch.rand(2, 3, 32, 16) * 2 - 1,
        Holes().known(32, 16, torch.tensor([[4.0, 2, 12, 10]] * 2), [1, 2]),
    )
    dropout = torch.rand(2, 16)
    visible = torch.cat([known - 0.5, images * known], dim=1)
    halved = downsample2d(visible)
    encoder, below = large.G.encoder, small.G.encoder
    _, seen = encoder.b32(visible)
    torch.testing.assert_close(seen, below.b16.fromrgb(halved), atol=1e-4, rtol=1e-4)
    ws = small.G.mapping(torch.randn(2, 8))
    described, skips = encoder(images, known, dropout)
    drawn = large.G.synthesis.complete(torch.cat([ws, ws[:, -2:]], 1), described, skips, noise_mode="none")
    smaller = small.G.synthesis.complete(ws, described, skips[:-1], noise_mode="none")
    torch.testing.assert_close(drawn, upsample2d(smaller), atol=1e-4, rtol=1e-4)


def test_a_network_starts_from_its_own_kind(tmp_path):
    from insetgan.weights.store import save_network

    small, again = make(), make(1)
    save_network(tmp_path / "net.safetensors", small.G, kind="comodgan")
    assert all(transfer.fits for transfer in start_from(again, tmp_path / "net.safetensors", strict=True))
    for mine, theirs in zip(again.G.parameters(), small.G.parameters(), strict=True):
        assert torch.equal(mine, theirs)
