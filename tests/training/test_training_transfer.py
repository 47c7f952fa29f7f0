import pytest
import torch
from published_streams import nvidia_pickle

from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator
from insetgan.ops.fir import downsample2d, upsample2d
from insetgan.runtime.errors import UserError
from insetgan.training.gan_module import GANModule
from insetgan.training.transfer import start_from as start
from insetgan.weights.store import save_network


def make_module(height, seed=0, **extra):
    torch.manual_seed(seed)
    sizes = {"height": height, "width": height // 2, "channel_base": 256, "channel_max": 8} | extra
    generator = Generator(z_dim=8, w_dim=8, mapping_layers=2, **sizes)
    return GANModule(generator, Discriminator(**sizes), batch_size=4)


def loosely(module, path):
    return start(module, path, strict=False)


def write_checkpoint(module, path):
    torch.save({"state_dict": module.state_dict()}, path)
    return path


def test_a_grown_generator_starts_as_the_enlarged_image(tmp_path):
    small, large = make_module(16), make_module(32, seed=1)
    loosely(large, write_checkpoint(small, tmp_path / "last.ckpt"))
    z = torch.randn(3, 8)
    for name in ("G", "G_ema"):
        image = small.get_submodule(name)(z)
        torch.testing.assert_close(large.get_submodule(name)(z), upsample2d(image), rtol=1e-5, atol=1e-5)


def test_a_grown_discriminator_starts_with_the_judgement_of_the_smaller(tmp_path):
    small, large = make_module(16), make_module(32, seed=1)
    torch.nn.init.normal_(small.D.b16.fromrgb.bias)
    loosely(large, write_checkpoint(small, tmp_path / "last.ckpt"))
    images = torch.randn(4, 3, 32, 16)
    torch.testing.assert_close(large.D(images), small.D(downsample2d(images)), rtol=1e-4, atol=1e-4)
    large.D(images).sum().backward()
    assert all(bool(p.grad.abs().sum() > 0) for p in large.D.b32.conv1.parameters())


def test_growing_names_what_is_new_and_keeps_the_discriminators_lower_blocks(tmp_path):
    small, large = make_module(16), make_module(32, seed=1)
    lines = [str(transfer) for transfer in loosely(large, write_checkpoint(small, tmp_path / "last.ckpt"))]
    assert [line.partition(":")[0] for line in lines] == ["G", "D", "G_ema"]
    assert lines[0].endswith("not in the source, so new: synthesis.b32")
    assert lines[1].endswith("not in the source, so new: b32; only in the source, so left out: b16")  # its fromrgb
    assert torch.equal(large.D.b16.conv0.weight, small.D.b16.conv0.weight)
    assert int(large.cur_nimg) == 0


def test_other_channels_are_named_and_left_alone(tmp_path):
    small, large = make_module(16), make_module(16, seed=1, channel_max=4)
    transfer = loosely(large, write_checkpoint(small, tmp_path / "last.ckpt"))[0]
    assert "synthesis.b4.const (source [8, 4, 2], here [4, 4, 2])" in transfer.reshaped
    assert "of another shape, so new: synthesis.b4.const (source [8, 4, 2], here [4, 4, 2])" in str(transfer)


def test_a_generators_safetensors_gives_both_generators_their_weights(tmp_path):
    small, other = make_module(16), make_module(16, seed=1)
    save_network(tmp_path / "g.safetensors", small.G_ema, kind="generator")
    loosely(other, tmp_path / "g.safetensors")
    z = torch.randn(2, 8)
    torch.testing.assert_close(other.G(z), small.G_ema(z))
    torch.testing.assert_close(other.G_ema(z), small.G_ema(z))


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        loosely(make_module(16), tmp_path / "none.ckpt")


def test_strictly_everything_must_fit_and_nothing_changes_otherwise(tmp_path):
    small, large, twin = make_module(16), make_module(32, seed=1), make_module(16, seed=1)
    path = write_checkpoint(small, tmp_path / "last.ckpt")
    before = {name: tensor.clone() for name, tensor in large.state_dict().items()}
    with pytest.raises(UserError, match=r"so new: synthesis.b32.*init_strict=false takes over what fits"):
        start(large, path, strict=True)
    assert all(torch.equal(before[name], tensor) for name, tensor in large.state_dict().items())
    assert all(transfer.fits for transfer in start(twin, path, strict=True))
    z = torch.randn(2, 8)
    torch.testing.assert_close(twin.G(z), small.G(z))


@pytest.mark.parametrize(("before", "after"), [(0, 3), (3, 0)])
def test_labels_come_and_go_without_a_change_of_the_images(tmp_path, before, after):
    source, target = make_module(16, c_dim=before), make_module(16, seed=1, c_dim=after)
    with torch.no_grad():
        source.G.mapping.fc0.weight[:, 8:] = 0  # where labels go: as if they had not mattered
    transfers = loosely(target, write_checkpoint(source, tmp_path / "last.ckpt"))
    z, labels = torch.randn(2, 8), torch.eye(3)[:2]
    images = [module.G(z, labels if module.G.c_dim else None) for module in (source, target)]
    torch.testing.assert_close(*images)
    assert "taken in part: mapping.fc0.weight" in str(transfers[0])


@pytest.mark.parametrize("with_discriminator", [True, False])
def test_a_published_file_gives_both_generators_and_the_discriminator(tmp_path, capsys, with_discriminator):
    values = nvidia_pickle(tmp_path / "n.pkl", "rect_32x16", without=() if with_discriminator else ("D",))
    sizes = {"height": 32, "width": 16, "channel_base": 512, "channel_max": 24}
    module = GANModule(Generator(z_dim=32, w_dim=32, mapping_layers=3, **sizes), Discriminator(**sizes), batch_size=4)
    lines = [str(transfer) for transfer in start(module, tmp_path / "n.pkl", strict=True)]
    assert [line.partition(":")[0] for line in lines] == (["G", "G_ema", "D"] if with_discriminator else ["G", "G_ema"])
    for generator in (module.G, module.G_ema):
        torch.testing.assert_close(generator(values["in/z"]), values["out/img_const"], rtol=1e-4, atol=1e-4)
    logits = module.D(values["out/img_const"])
    assert torch.allclose(logits, values["out/logits"], rtol=1e-3) == with_discriminator
    assert ("no discriminator; D starts anew" in capsys.readouterr().err) != with_discriminator
