import math

import pytest
import torch

from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator
from insetgan.training.draws import Draws
from insetgan.training.gan_module import GANModule
from insetgan.training.meter import Meter, NotFiniteError
from insetgan.training.phases import Phase, PhaseInputs, discriminator_main, lazy_correction, standard_phases


def tiny(height=16, width=8):
    torch.manual_seed(0)
    sizes = {"height": height, "width": width, "channel_base": 128, "channel_max": 8}
    return Generator(z_dim=8, w_dim=8, mapping_layers=2, **sizes), Discriminator(**sizes)


def inputs_of(generator, discriminator, **extra):
    return PhaseInputs(generator, discriminator, torch.zeros(4, 3, 16, 8), Draws(0, 0), **extra)


def test_lazy_correction_is_k_over_k_plus_one_for_the_regularised_network():
    phases = standard_phases(gamma=1.0, r1_interval=16)
    assert lazy_correction(phases, "D") == pytest.approx(16 / 17)
    assert lazy_correction(phases, "G") == 1
    module = GANModule(*tiny(), batch_size=4, lr=0.002, betas=(0.0, 0.99))
    generator, discriminator = module.configure_optimizers()
    assert generator.param_groups[0]["lr"] == pytest.approx(0.002)
    assert generator.param_groups[0]["betas"] == pytest.approx((0, 0.99))
    assert discriminator.param_groups[0]["lr"] == pytest.approx(0.002 * 16 / 17)
    assert discriminator.param_groups[0]["betas"] == pytest.approx((0, 0.99 ** (16 / 17)))


def test_phases_are_due_by_their_interval_and_r1_has_its_gain():
    phases = standard_phases(gamma=1.0, r1_interval=16)
    assert [phase.name for phase in phases if phase.due(0)] == ["Gmain", "Dmain", "Dr1"]
    assert [phase.name for phase in phases if phase.due(1)] == ["Gmain", "Dmain"]
    assert phases[2].gain == 16
    assert [phase.name for phase in standard_phases(gamma=0.0)] == ["Gmain", "Dmain"]


@pytest.mark.parametrize(
    ("name", "of_generator", "of_discriminator"),
    [
        ("logistic", math.log1p(math.exp(-0.25)), math.log1p(math.exp(-0.25)) + math.log1p(math.exp(0.25))),
        ("hinge", -0.25, 2.0),
    ],
)
def test_main_phases_minimise_the_loss_that_is_asked_for(name, of_generator, of_discriminator):
    inputs = inputs_of(tiny()[0], lambda images: images.new_full((len(images), 1), 0.25))
    main_g, main_d = standard_phases(gamma=0.0, loss=name)
    assert main_g.loss(inputs)[0].item() == pytest.approx(of_generator)
    assert main_d.loss(inputs)[0].item() == pytest.approx(of_discriminator)


def test_r1_phase_is_half_gamma_times_the_penalty():
    generator, discriminator = tiny()
    for name, parameter in discriminator.named_parameters():
        parameter.data.mul_(0.5 if name.endswith("weight") else 1)
    inputs = PhaseInputs(generator, discriminator, torch.randn(4, 3, 16, 8), Draws(0, 0))
    loss, scalars = standard_phases(gamma=3.0)[2].loss(inputs)
    torch.testing.assert_close(loss, 1.5 * scalars["Loss/r1_penalty"].mean())
    assert loss > 0


def test_dmain_gives_the_generator_no_gradient_but_moves_w_avg():
    generator, discriminator = tiny()
    loss, _ = discriminator_main(inputs_of(generator, discriminator))
    loss.backward()
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert any(parameter.grad is not None for parameter in discriminator.parameters())
    assert generator.mapping.w_avg.abs().sum() > 0


def test_style_mixing_changes_only_the_later_rows(monkeypatch):
    generator, discriminator = tiny()
    seen = []
    picture = torch.zeros(4, 3, 16, 8)
    monkeypatch.setattr(generator.synthesis, "forward", lambda ws, noise_mode: seen.append(ws) or picture)
    discriminator_main(inputs_of(generator, discriminator, style_mixing=0.0))
    discriminator_main(inputs_of(generator, discriminator, style_mixing=1.0))
    plain, mixed = seen
    assert bool((plain == plain[:, :1]).all())
    assert torch.equal(mixed[:, 0], plain[:, 0])
    assert not torch.equal(mixed[:, -1], mixed[:, 0])


def test_draws_depend_on_seed_images_and_rank_only():
    def numbers(*key, rank=0):
        draws = Draws(*key, rank=rank)
        return torch.cat([draws.normal(3), torch.randn(3)])

    assert torch.equal(numbers(1, 8), numbers(1, 8))
    others = [numbers(2, 8), numbers(1, 16), numbers(1, 8, rank=1)]
    assert not any(torch.equal(numbers(1, 8), other) for other in others)


def test_a_loss_that_is_not_finite_names_phase_and_step():
    with pytest.raises(NotFiniteError, match=r"phase Dmain is not finite at step 3 \(0.024 kimg\)"):
        Meter().check("Dmain", torch.tensor(float("nan")), step=3, nimg=24)


def test_meter_means_start_afresh():
    meter = Meter()
    meter.add("a", torch.tensor([1.0, 3.0]))
    meter.add("a", torch.tensor(5.0))
    assert meter.means() == {"a": 3.0}
    assert meter.means() == {}


def test_phase_is_frozen():
    phase = Phase("Gmain", "G", lambda _: (torch.zeros(()), {}))
    with pytest.raises(AttributeError):
        phase.gain = 2.0
