import pytest
import torch

from insetgan.inversion.encoder_module import EncoderModule
from insetgan.runtime.errors import UserError


@pytest.fixture
def module(generator, encoder):
    return EncoderModule(encoder, generator, lr=0.01, total_kimg=1.0, samples=0.5)


def test_samples_are_known_by_their_latents(generator, module):
    truth = module._sampled(64, torch.Generator().manual_seed(0))
    assert truth.shape == (64, generator.num_ws, 8)
    mixed = (truth != truth[:, :1]).any(2).any(1)
    assert 10 < int(mixed.sum()) < 54  # about half
    for row in truth[mixed]:
        assert len({tuple(each.tolist()) for each in row}) == 2  # one change from coarse to fine
    again = module._sampled(64, torch.Generator().manual_seed(0))
    assert torch.equal(truth, again)


def test_of_samples_alone_only_latents_are_compared(generator, module):
    truth = module._sampled(4, torch.Generator().manual_seed(0))
    images = generator.draw(truth)
    alone, both = module._losses(images, truth), module._losses(torch.cat([images, images]), truth)
    assert set(alone) == {"latent", "delta"} and set(both) == {"latent", "delta", "l1", "l2"}
    assert both["l1"].requires_grad and not any(p.requires_grad for p in generator.parameters())


def test_losses_of_a_perfect_encoder_are_zero(generator, module):
    torch.nn.init.zeros_(module.encoder.corrections.weight)
    truth = module.encoder.w_avg.expand(2, generator.num_ws, -1)
    images = generator.draw(truth)
    losses = module._losses(torch.cat([images, images]), truth)
    assert all(float(loss.detach()) < 1e-5 for loss in losses.values())


def test_the_latent_loss_is_in_units_of_the_spread(generator, module):
    torch.nn.init.zeros_(module.encoder.corrections.weight)
    truth = (module.encoder.w_avg + 2 * module.encoder.w_std).expand(2, generator.num_ws, -1)
    assert float(module._losses(generator.draw(truth), truth)["latent"]) == pytest.approx(4, rel=1e-5)


def test_an_encoder_learns_its_generator(generator, module):
    optimizer = module.configure_optimizers()
    first = None
    for step in range(80):
        truth = module._sampled(16, torch.Generator().manual_seed(step))
        loss = module._losses(generator.draw(truth).clamp(-1, 1), truth)["latent"]
        first = first or float(loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss) < 0.75 * first


def test_the_rate_rises_and_falls(module):
    assert module.rate(0.01) == pytest.approx(0.5 * module.rate(0.02), rel=0.01)
    assert module.rate(0.5) == pytest.approx(0.005, rel=0.01) and module.rate(1) == pytest.approx(0, abs=1e-9)


def test_the_checkpoint_of_another_generator_is_refused(module):
    checkpoint = {}
    module.on_save_checkpoint(checkpoint)
    module.on_load_checkpoint(checkpoint)
    assert not any(name.startswith("generator") for name in module.state_dict())
    with pytest.raises(UserError, match="resume"):
        module.on_load_checkpoint({"encoder_generator": "0" * 64})
