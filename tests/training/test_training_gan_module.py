import pytest
import torch

from insetgan.data.share import Share
from insetgan.networks import Discriminator, Generator
from insetgan.training.draws import Draws
from insetgan.training.gan_module import GANModule
from insetgan.training.phases import PhaseInputs, generator_main
from insetgan.training.real_batch import RealBatch


def test_without_noise_its_strengths_are_silent_and_stay_so():
    sizes = {"height": 16, "width": 8, "channel_base": 128, "channel_max": 8}
    generator = Generator(z_dim=8, w_dim=8, mapping_layers=2, **sizes)
    torch.nn.init.ones_(generator.synthesis.b16.conv1.noise_strength)
    module = GANModule(generator, Discriminator(**sizes), batch_size=4, noise=False)
    module.on_fit_start()
    for network in (module.G, module.G_ema):
        strengths = [p for name, p in network.named_parameters() if name.endswith("noise_strength")]
        assert len(strengths) == 5
        assert all(strength.item() == 0 for strength in strengths)
    inputs = PhaseInputs(module.G, module.D, torch.zeros(4, 3, 16, 8), Draws(0, 0, Share(4)), noise_mode="none")
    generator_main(inputs)[0].backward()
    assert module.G.synthesis.b16.conv1.noise_strength.grad is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("style_mixing", 1.5),
        ("style_mixing", float("nan")),
        ("ema_rampup", float("nan")),
        ("ema_rampup", -1),
        ("ema_kimg", 0),
        ("r1_interval", 0),
        ("gamma", float("nan")),
        ("lr", float("inf")),
        ("g_lr", 0),
        ("d_lead_kimg", -1),
        ("batch_gpu", 0),
        ("pl_weight", -1),
        ("pl_decay", 2),
        ("augment_p", 1.5),
        ("ada_target", 1),
        ("ada_kimg", 0),
        ("freeze_d", -1),
        ("compile", "yes"),
    ],
)
def test_settings_outside_their_range_are_refused(name, value):
    sizes = {"height": 16, "width": 8, "channel_base": 128, "channel_max": 8}
    generator = Generator(z_dim=8, w_dim=8, mapping_layers=2, **sizes)
    with pytest.raises(ValueError, match=f"^{name}={value}: must be "):
        GANModule(generator, Discriminator(**sizes), batch_size=4, **{name: value})


def test_groups_must_divide_the_batch():
    sizes = {"height": 16, "width": 8, "channel_base": 128, "channel_max": 8}
    generator = Generator(z_dim=8, w_dim=8, mapping_layers=2, **sizes)
    assert GANModule(generator, Discriminator(mbstd_group_size=4, **sizes), batch_size=2).group_size(1) == 2
    three = GANModule(generator, Discriminator(mbstd_group_size=3, **sizes), batch_size=8)
    with pytest.raises(
        ValueError, match=r"recipe.mbstd_group_size=3: must divide the 8 images .*batch_gpu=null, trainer.devices=1\)"
    ):
        three.group_size(1)
    six = GANModule(generator, Discriminator(mbstd_group_size=4, **sizes), batch_size=12, batch_gpu=6)
    with pytest.raises(ValueError, match=r"mbstd_group_size=4: must divide the 6 .*batch_gpu=6, trainer.devices=2\)"):
        six.group_size(2)
    assert six.group_size(3) == 4, "the right number of processes counts, not one"
    shared = GANModule(generator, Discriminator(mbstd_group_size=4, **sizes), batch_size=12, batch_gpu=4)
    assert shared.share(1, 3).count == 4
    with pytest.raises(ValueError, match=r"batch_size=12: must be a multiple of trainer.devices=5"):
        shared.share(0, 5)


def test_networks_of_other_labels_are_refused():
    sizes = {"height": 16, "width": 8, "channel_base": 128, "channel_max": 8}
    generator = Generator(z_dim=8, w_dim=8, c_dim=3, mapping_layers=2, **sizes)
    with pytest.raises(ValueError, match=r"generator.c_dim=3: the discriminator takes 0"):
        GANModule(generator, Discriminator(**sizes), batch_size=4)
    module = GANModule(generator, Discriminator(c_dim=3, **sizes), batch_size=4)
    with pytest.raises(ValueError, match="labels have 2 values, and the networks take 3"):
        module.use_labels(torch.eye(2))


@pytest.mark.parametrize("wrong", [{"z_dim": 0}, {"channel_max": 0}, {"channel_base": 8}])
def test_networks_without_channels_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"^{name}="):
        Generator(**({"height": 16, "width": 8} | wrong))


def test_compiled_main_phases_have_the_gradients_of_eager_ones_and_regularisers_stay_eager(monkeypatch):
    compiled = []

    def aot(network):
        compiled.append(network)
        return real_compile(network, backend="aot_eager")

    def gradients(**settings):
        torch.manual_seed(0)
        sizes = {"height": 16, "width": 8, "channel_base": 128, "channel_max": 8}
        generator = Generator(z_dim=8, w_dim=8, mapping_layers=2, **sizes)
        module = GANModule(
            generator, Discriminator(**sizes), batch_size=4, gamma=1.0, pl_weight=2.0, noise=False, augment="bgc",
            augment_p=0.5, **settings,
        )  # fmt: skip
        assert not [name for name in module.state_dict() if "_orig_mod" in name]
        real = torch.rand(4, 3, 16, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1
        found = {}
        for phase in module.phases:
            module.find_gradients(phase, module.share(), RealBatch(real))
            network = module.G if phase.network == "G" else module.D
            found |= {
                f"{phase.name}/{name}": p.grad.clone() for name, p in network.named_parameters() if p.grad is not None
            }
        return found

    real_compile = torch.compile
    expected = gradients()
    monkeypatch.setattr(torch, "compile", aot)
    found = gradients(compile=True)
    torch.compiler.reset()
    assert [type(network).__name__ for network in compiled] == ["SynthesisNetwork", "Discriminator"]
    assert {name.partition("/")[0] for name in expected} == {"Gmain", "Gpl", "Dmain", "Dr1"}
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-5)
