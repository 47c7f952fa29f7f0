"""CoModGAN: shapes, what depends on what, gradients."""

import pytest
import torch

from insetgan.completion.encoder import DROPPED, Encoder
from insetgan.completion.generator import CoModGenerator
from insetgan.detection.parts_net import PartsNet
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator
from insetgan.networks.projected import ProjectedDiscriminator
from insetgan.training.adversarial import r1_penalty
from insetgan.weights.store import load_network, save_network

SIZES = [(32, 16), (16, 32), (64, 48), (12, 20), (48, 36)]


def make(height=32, width=16, **extra):
    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 256, "channel_max": 8} | extra
    return CoModGenerator(height=height, width=width, **shape)


def inputs(net, count=3, seed=0):
    source = torch.Generator().manual_seed(seed)
    z = torch.randn(count, net.z_dim, generator=source)
    images = torch.rand(count, 3, net.height, net.width, generator=source) * 2 - 1
    known = (torch.rand(count, 1, net.height, net.width, generator=source) < 0.5).float()
    return z, images, known, torch.rand(count, net.x_dim, generator=source)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_known_pixels_come_back_to_the_bit_at_any_size(height, width):
    net = make(height, width)
    z, images, known, dropout = inputs(net)
    completed = net(z, images, known, dropout)
    assert completed.shape == images.shape
    visible = known.expand_as(images) > 0
    assert torch.equal(completed[visible], images[visible])
    assert not bool((completed == images)[~visible].any())


def test_what_lies_in_the_hole_is_not_looked_at():
    net = make()
    z, images, known, dropout = inputs(net)
    other = torch.where(known > 0, images, torch.full_like(images, float("nan")))
    assert torch.equal(net(z, images, known, dropout), net(z, other, known, dropout))


@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_every_input_matters(which):
    net = make()
    given = list(inputs(net))
    expected = net.draw(net.mapping(given[0]), *given[1:])
    given[which] = inputs(net, seed=1)[which]
    assert not torch.allclose(net.draw(net.mapping(given[0]), *given[1:]), expected, atol=1e-3)


def test_truncation_draws_w_to_the_mean_and_leaves_dropout():
    net = make()
    z, images, known, dropout = inputs(net)
    averages = [net(some, images, known, dropout, truncation_psi=0.0) for some in (z, z.flip(0))]
    assert torch.equal(*averages)
    assert not torch.allclose(net(z, images, known, dropout.flip(0), truncation_psi=0.0), averages[0], atol=1e-3)


def test_samples_of_a_batch_do_not_influence_each_other():
    net = make()
    given = inputs(net, count=4)
    whole = net(*given)
    for row in range(4):
        torch.testing.assert_close(net(*(each[row : row + 1] for each in given))[0], whole[row], atol=1e-4, rtol=1e-4)


def test_dropout_stays_on_in_evaluation_and_doubles_what_it_leaves():
    encoder = Encoder(
        height=16, width=8, x_dim=6, img_channels=3, channel_base=128, channel_max=8, conv_clamp=None
    ).eval()  # fmt: skip
    images, known = torch.rand(2, 3, 16, 8), torch.ones(2, 1, 16, 8)
    everything = encoder(images, known, torch.ones(2, 6))[0]
    dropout = torch.tensor([[0.0, DROPPED, 0.9, 0.1, 0.5, 0.49]]).expand(2, 6)
    expected = everything * torch.tensor(
        [0.0, 1, 1, 0, 1, 0]
    )  # everything is doubled as well: no number is below a half
    torch.testing.assert_close(encoder(images, known, dropout)[0], expected)


def test_skips_have_the_shapes_of_the_synthesis_blocks():
    net = make(64, 32)
    _, images, known, dropout = inputs(net)
    described, skips = net.encoder(images, known, dropout)
    assert described.shape == (3, 16)
    assert [skip.shape[1:] for skip in skips] == [
        (block.conv1.weight.shape[1], *block.size) for block in net.synthesis.blocks
    ]


def test_silent_skips_and_a_deaf_encoder_leave_stylegan2():
    """With the encoder's columns of the affine layers at zero and the constant in the start's bias, it is StyleGAN2's."""
    net, plain = (
        make(),
        Generator(height=32, width=16, z_dim=8, w_dim=8, mapping_layers=2, channel_base=256, channel_max=8),
    )
    state = {name: tensor.clone() for name, tensor in plain.synthesis.state_dict().items()}
    scale = ((8 + net.x_dim) / 8) ** 0.5
    for name in [name for name in state if name.endswith("affine.weight")]:
        state[name] = torch.cat([state[name] * scale, torch.zeros(len(state[name]), net.x_dim)], dim=1)
    state["start.bias"] = state.pop("b4.const").flatten()
    state["start.weight"] = torch.zeros_like(net.synthesis.start.weight)
    net.synthesis.load_state_dict(state, strict=True)
    ws = plain.mapping(torch.randn(2, 8))
    skips = [torch.zeros(2, block.conv1.weight.shape[1], *block.size) for block in net.synthesis.blocks]
    drawn = net.synthesis.complete(ws, torch.randn(2, net.x_dim), skips)
    torch.testing.assert_close(drawn, plain.synthesis(ws), atol=1e-4, rtol=1e-4)


def test_skips_are_added_behind_the_doubling_and_before_the_second_convolution():
    """Of the finer size's skip, the image is what the second convolution and the image layer make of it."""
    net = make(8, 4)
    with torch.no_grad():
        net.synthesis.b8.conv0.weight.zero_()
        net.synthesis.b8.conv0.noise_strength.zero_()
    ws, described = torch.randn(2, net.num_ws, 8), torch.randn(2, net.x_dim)
    styles = torch.cat([ws, described[:, None].expand(-1, net.num_ws, -1)], dim=2)
    block, skips = net.synthesis.b8, [torch.zeros(2, 8, 4, 2), torch.randn(2, 8, 8, 4)]

    def fine(x):
        second = block.conv1.styles(styles[:, 2], torch.float32)
        y, gain = block.conv1(x * second[:, :, None, None], second, "const")
        mixing, _ = block.torgb.mixing(styles[:, 3], gain, torch.float32)
        return block.torgb(torch.einsum("nkc,nchw->nkhw", mixing, y).flatten(2), None, block.size)

    def drawn(skip):
        return net.synthesis.complete(ws, described, [skips[0], skip])

    nothing = torch.zeros_like(skips[1])
    torch.testing.assert_close(drawn(skips[1]) - drawn(nothing), fine(skips[1]) - fine(nothing), atol=1e-4, rtol=1e-4)


def test_gradients_are_those_of_finite_differences():
    net = make(8, 4).double()
    _, images, known, dropout = (each.double() for each in inputs(net, count=2))
    ws = torch.randn(2, net.num_ws, 8, dtype=torch.double, requires_grad=True)
    images.requires_grad_()
    assert torch.autograd.gradcheck(lambda w, p: net.draw(w, p, known, dropout), (ws, images), atol=1e-5)
    for parameter in (net.encoder.b8.conv1.weight, net.encoder.b4.fc.bias, net.synthesis.start.weight):
        direction = torch.randn_like(parameter)
        (gradient,) = torch.autograd.grad(net.draw(ws, images, known, dropout).square().sum(), parameter)
        losses = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                parameter.add_(direction, alpha=step)
                losses.append(net.draw(ws, images, known, dropout).square().sum())
                parameter.sub_(direction, alpha=step)
        slope = (losses[0] - losses[1]) / 2e-5
        torch.testing.assert_close((gradient * direction).sum(), slope, rtol=1e-4, atol=1e-5)


def test_every_parameter_learns_from_the_holes():
    net = make()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.1)
    net(*inputs(net)).square().mean().backward()
    silent = [name for name, parameter in net.named_parameters() if not bool(parameter.grad.abs().sum() > 0)]
    assert silent == []


def test_autocast_stays_near_full_precision():
    net = make()
    given = inputs(net)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        short = net(*given).detach()
    assert short.dtype == torch.float32
    exact = net(*given).detach()
    assert float((short - exact).abs().mean()) < 0.05 * float(exact.abs().mean())


def test_r1_of_a_discriminator_of_mask_and_colours_differentiates_twice():
    judge = Discriminator(height=16, width=8, img_channels=4, channel_base=128, channel_max=8).double()
    known = (torch.rand(2, 1, 16, 8) < 0.5).double()
    images = torch.rand(2, 3, 16, 8, dtype=torch.double) * 2 - 1

    def penalty(colour):
        def seen(images):
            return judge(torch.cat([known - 0.5, images], 1))

        with torch.no_grad():
            judge.b16.fromrgb.weight.copy_(colour)
        return r1_penalty(seen, images).sum()

    weight = judge.b16.fromrgb.weight
    start, direction = weight.detach().clone(), torch.randn_like(weight)
    (gradient,) = torch.autograd.grad(penalty(start), weight)
    slope = (penalty(start + 1e-5 * direction) - penalty(start - 1e-5 * direction)) / 2e-5
    torch.testing.assert_close((gradient * direction).sum(), slope.detach(), rtol=1e-4, atol=1e-6)


def test_only_the_image_critic_of_a_projected_discriminator_sees_the_mask():
    judge = ProjectedDiscriminator(
        PartsNet(working_height=64), height=64, width=32, img_channels=4, scales=[1, 2]
    ).eval()
    seen = torch.rand(1, 4, 64, 32)
    other = torch.cat([1 - seen[:, :1], seen[:, 1:]], dim=1)
    first, second = judge(seen), judge(other)
    places = first.shape[1] // 3
    assert torch.equal(first[:, : 2 * places], second[:, : 2 * places])
    assert not torch.allclose(first[:, 2 * places :], second[:, 2 * places :])
    with pytest.raises(ValueError, match="img_channels=2: must be 3 or more"):
        ProjectedDiscriminator(PartsNet(working_height=64), height=64, width=32, img_channels=2)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"x_dim": 0}, "x_dim=0"), ({"c_dim": 3}, "c_dim=3: must be 0"), ({"channel_base": 8}, "channel_base=8")],
)
def test_impossible_networks_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        make(**wrong)


def test_inputs_of_another_shape_are_refused():
    net = make()
    z, images, known, dropout = inputs(net)
    ws = net.mapping(z)
    with pytest.raises(ValueError, match="known must have the shape"):
        net.complete(ws, images, known[:, :, :-1], dropout)
    with pytest.raises(ValueError, match="dropout must have the shape"):
        net.complete(ws, images, known, dropout[:2])
    with pytest.raises(ValueError, match="ws must have the shape"):
        net.complete(ws[:, 1:], images, known, dropout)
    with pytest.raises(TypeError, match="call complete"):
        net.synthesis(ws)


def test_weights_come_back(tmp_path):
    net = make().eval()
    save_network(tmp_path / "net.safetensors", net, kind="comodgan")
    again = load_network(tmp_path / "net.safetensors", kind="comodgan")
    given = inputs(net)
    assert again.x_dim == 16
    assert torch.equal(again(*given), net(*given))
