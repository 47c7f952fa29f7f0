import math

import pytest
import torch

from insetgan.data.share import Share
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator
from insetgan.training import phases as phases_module
from insetgan.training.draws import Draws
from insetgan.training.gan_module import GANModule
from insetgan.training.meter import Meter, NotFiniteError
from insetgan.training.phases import (
    Phase,
    PhaseInputs,
    discriminator_main,
    generator_path_length,
    lazy_correction,
    standard_phases,
    track_w_avg,
)


def tiny(height=16, width=8):
    torch.manual_seed(0)
    sizes = {"height": height, "width": width, "channel_base": 128, "channel_max": 8}
    return Generator(z_dim=8, w_dim=8, mapping_layers=2, **sizes), Discriminator(**sizes)


def inputs_of(generator, discriminator, **extra):
    return PhaseInputs(generator, discriminator, torch.zeros(4, 3, 16, 8), Draws(0, 0, Share(4)), **extra)


def test_lazy_correction_is_k_over_k_plus_one_for_the_regularised_network():
    phases = standard_phases(gamma=1.0, r1_interval=16, pl_weight=2.0, pl_interval=4)
    assert lazy_correction(phases, "D") == pytest.approx(16 / 17)
    assert lazy_correction(phases, "G") == pytest.approx(4 / 5)
    assert lazy_correction(standard_phases(gamma=1.0), "G") == 1
    module = GANModule(*tiny(), batch_size=4, lr=0.002, betas=(0.0, 0.99), pl_weight=2.0)
    generator, discriminator = module.configure_optimizers()
    assert generator.param_groups[0]["lr"] == pytest.approx(0.002 * 4 / 5)
    assert generator.param_groups[0]["betas"] == pytest.approx((0, 0.99 ** (4 / 5)))
    assert discriminator.param_groups[0]["lr"] == pytest.approx(0.002 * 16 / 17)
    assert discriminator.param_groups[0]["betas"] == pytest.approx((0, 0.99 ** (16 / 17)))


def test_phases_are_due_by_their_interval_and_regularisers_have_its_gain():
    phases = standard_phases(gamma=1.0, r1_interval=16, pl_weight=2.0)
    assert [phase.name for phase in phases if phase.due(0)] == ["Gmain", "Gpl", "Dmain", "Dr1"]
    assert [phase.name for phase in phases if phase.due(1)] == ["Gmain", "Dmain"]
    assert [phase.name for phase in phases if phase.due(4)] == ["Gmain", "Gpl", "Dmain"]
    assert {phase.name: phase.gain for phase in phases} == {"Gmain": 1, "Gpl": 4, "Dmain": 1, "Dr1": 16}
    assert [phase.name for phase in standard_phases(gamma=0.0)] == ["Gmain", "Dmain"]


@pytest.mark.parametrize(
    ("name", "of_generator", "of_discriminator"),
    [
        ("logistic", math.log1p(math.exp(-0.25)), math.log1p(math.exp(-0.25)) + math.log1p(math.exp(0.25))),
        ("hinge", -0.25, 2.0),
    ],
)
def test_main_phases_minimise_the_loss_that_is_asked_for(name, of_generator, of_discriminator):
    inputs = inputs_of(tiny()[0], lambda images, _: images.new_full((len(images), 1), 0.25))
    main_g, main_d = standard_phases(gamma=0.0, loss=name)
    assert main_g.loss(inputs)[0].item() == pytest.approx(of_generator)
    assert main_d.loss(inputs)[0].item() == pytest.approx(of_discriminator)


def test_r1_phase_is_half_gamma_times_the_penalty():
    generator, discriminator = tiny()
    inputs = PhaseInputs(generator, discriminator, torch.randn(4, 3, 16, 8), Draws(0, 0, Share(4)))
    loss, scalars = standard_phases(gamma=3.0)[2].loss(inputs)
    penalty = scalars["Loss/r1_penalty"].mean().item()
    assert penalty > 1e-4
    assert loss.item() == pytest.approx(1.5 * penalty, rel=1e-5, abs=0)


def test_dmain_gives_the_generator_no_gradient():
    generator, discriminator = tiny()
    loss, _ = discriminator_main(inputs_of(generator, discriminator))
    loss.backward()
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert any(parameter.grad is not None for parameter in discriminator.parameters())


def test_w_avg_moves_by_the_mean_latent():
    generator, _ = tiny()
    before = generator.mapping.w_avg.clone()
    track_w_avg(generator, Draws(0, 0, Share(4)))
    mean = generator.mapping(Draws(0, 0, Share(4)).normal(8))[:, 0].mean(0)
    torch.testing.assert_close(generator.mapping.w_avg, mean.lerp(before, 0.998))


def test_path_length_moves_its_mean_first_and_uses_it_at_once(monkeypatch):
    generator, discriminator = tiny()
    monkeypatch.setattr(phases_module, "path_lengths", lambda images, ws, noise: torch.tensor([1.0, 3.0]))
    path_mean = torch.tensor(1.0)
    inputs = inputs_of(generator, discriminator, path_mean=path_mean, average=lambda mean: mean + 2)
    phase = next(phase for phase in standard_phases(gamma=0, pl_weight=2.0, pl_decay=0.5) if phase.name == "Gpl")
    loss, _ = phase.loss(inputs)
    assert path_mean.item() == pytest.approx(2.5)  # halfway from 1 to the mean 4 that the processes agreed on
    assert loss.item() == pytest.approx(2 * ((1 - 2.5) ** 2 + (3 - 2.5) ** 2) / 2)


def test_path_length_takes_a_part_of_the_batch_and_reaches_the_generator_alone(monkeypatch):
    generator, discriminator = tiny()
    inputs = inputs_of(generator, discriminator, path_mean=torch.tensor(0.0))
    loss, scalars = generator_path_length(inputs, weight=2.0, batch_shrink=2)
    assert scalars["Loss/path_length"].shape == (2,)
    loss.backward()
    assert generator.synthesis.b16.conv0.weight.grad.abs().sum() > 0
    assert generator.mapping.fc0.weight.grad.abs().sum() > 0


def test_augmentation_is_seen_by_every_judgement_and_r1_looks_through_it():
    generator, discriminator = tiny()
    seen = []

    def augment(images, draws):
        seen.append(len(images))
        return images * 2

    inputs = inputs_of(generator, discriminator, augment=augment)
    for phase in standard_phases(gamma=1.0):
        phase.loss(inputs)
    assert seen == [4, 4, 4, 4], "fake in Gmain, fake and real in Dmain, real in Dr1"
    steep = PhaseInputs(generator, lambda x, c: x.sum((1, 2, 3))[:, None], inputs.real, inputs.draws, augment=augment)
    _, scalars = standard_phases(gamma=1.0)[2].loss(steep)
    assert scalars["Loss/r1_penalty"].tolist() == [4.0 * 3 * 16 * 8] * 4


def test_labels_reach_both_networks():
    generator = Generator(
        z_dim=8, w_dim=8, c_dim=3, mapping_layers=2, height=16, width=8, channel_base=128, channel_max=8
    )
    asked = []

    def judge(images, labels):
        asked.append(labels)
        return images.mean((1, 2, 3))[:, None]

    table = torch.eye(3)[[0, 0, 0, 2]]
    real_labels = torch.eye(3)[[1, 1, 1, 1]]
    inputs = PhaseInputs(
        generator, judge, torch.zeros(4, 3, 16, 8), Draws(0, 0, Share(4)), labels=real_labels, label_table=table
    )
    discriminator_main(inputs)
    fake, real = asked
    assert real is real_labels
    assert bool((fake[:, 1] == 0).all()), "drawn from the table"
    with pytest.raises(ValueError, match="conditional"):
        discriminator_main(PhaseInputs(generator, judge, torch.zeros(4, 3, 16, 8), Draws(0, 0, Share(4))))


def test_style_mixing_changes_only_the_later_rows(monkeypatch):
    generator, discriminator = tiny()
    seen = []
    image = torch.zeros(4, 3, 16, 8)
    monkeypatch.setattr(generator.synthesis, "forward", lambda ws, noise_mode: seen.append(ws) or image)
    discriminator_main(inputs_of(generator, discriminator, style_mixing=0.0))
    discriminator_main(inputs_of(generator, discriminator, style_mixing=1.0))
    plain, mixed = seen
    assert bool((plain == plain[:, :1]).all())
    assert torch.equal(mixed[:, 0], plain[:, 0])
    assert not torch.equal(mixed[:, -1], mixed[:, 0])


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
