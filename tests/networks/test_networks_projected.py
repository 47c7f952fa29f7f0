import pytest
import torch
from torch import nn

from insetgan.detection.parts_net import PartsNet
from insetgan.networks.frozen import as_buffers
from insetgan.networks.projected import CrossScaleMixing, MinibatchStd, ProjectedDiscriminator


@pytest.fixture
def judge():
    torch.manual_seed(0)
    return ProjectedDiscriminator(PartsNet(working_height=64), height=32, width=16, mixed_channels=8, critic_channels=8)


class Blind(nn.Module):
    """Describes every image alike."""

    def features(self, images):
        return tuple(images.new_ones(len(images), 4, images.shape[2] // s, images.shape[3] // s) for s in (1, 2, 4))


def test_every_scale_judges_every_place_of_the_coarsest(judge):
    assert len(judge.critics) == 4
    assert judge(torch.randn(3, 3, 32, 16)).shape == (3, 5 * 2 * 1)  # four feature maps and the image
    larger = ProjectedDiscriminator(PartsNet(), height=32, width=16, scales=(1, 2), enlarge=2)
    assert larger(torch.randn(1, 3, 32, 16)).shape == (1, 3 * 16 * 8)
    smaller = ProjectedDiscriminator(PartsNet(), height=64, width=32, scales=(1, 2), enlarge=0.5)
    assert smaller(torch.randn(1, 3, 64, 32)).shape == (1, 3 * 8 * 4)


def test_critics_that_grow_go_on_seeing_what_they_know_and_the_image_sharply():
    torch.manual_seed(0)
    judge = ProjectedDiscriminator(PartsNet(), height=64, width=32, enlarge=0.5).eval()
    images = torch.randn(2, 3, 64, 32)
    blurred = (
        images.view(2, 3, 32, 2, 16, 2).mean((3, 5), keepdim=True).expand(2, 3, 32, 2, 16, 2).reshape(images.shape)
    )
    sharp, soft = judge(images), judge(blurred)
    places = len(sharp[0]) // 5
    torch.testing.assert_close(sharp[:, : 4 * places], soft[:, : 4 * places])
    assert (sharp[:, 4 * places :] - soft[:, 4 * places :]).abs().max() > 1e-3


def test_frozen_weights_are_buffers_that_training_leaves_alone(judge):
    assert {name.split(".")[0] for name, _ in judge.named_parameters()} == {"critics", "image_critic"}
    judge.train().requires_grad_(True)
    frozen = {name: b.clone() for name, b in judge.named_buffers() if "critic" not in name}
    assert "features.stages.0.0.0.weight" in frozen
    assert "features.stages.0.0.1.running_mean" in frozen  # also of batch norm
    optimizer = torch.optim.Adam(judge.parameters(), lr=0.1)
    judge(torch.randn(2, 3, 32, 16)).mean().backward()
    optimizer.step()
    for name, buffer in judge.named_buffers():
        assert "critic" in name or torch.equal(buffer, frozen[name]), name


def test_as_buffers_keeps_names_and_results():
    torch.manual_seed(0)
    network = PartsNet(working_height=64).eval()
    images = torch.randn(2, 3, 64, 32)
    names, before = set(network.state_dict()), network(images).boxes
    assert as_buffers(network) is network
    assert set(network.state_dict()) == names
    assert list(network.parameters()) == []
    torch.testing.assert_close(network(images).boxes, before)


def test_an_image_is_judged_by_itself(judge):
    judge.eval()
    images = torch.randn(4, 3, 32, 16)
    torch.testing.assert_close(judge(images)[2:3], judge(images[2:3]), rtol=1e-4, atol=1e-5)


def test_the_image_itself_is_looked_at():
    torch.manual_seed(0)
    judge = ProjectedDiscriminator(Blind(), height=16, width=8, scales=(1, 2)).eval()
    red, blue = torch.zeros(2, 1, 3, 16, 8)
    red[:, 0], blue[:, 2] = 1, 1
    assert (judge(red) - judge(blue)).abs().max() > 1e-3


def test_critics_have_spectral_norm_one(judge):
    judge.train()
    for _ in range(30):  # one step of the power iteration a call
        judge(torch.zeros(1, 3, 32, 16))
    trained = [layer for name, layer in judge.named_modules() if "critic" in name and isinstance(layer, nn.Conv2d)]
    weights = [layer.weight for layer in trained]
    assert len(weights) == 5 * 2 + 3 + 3 + 2 + 1 + 0  # two a critic, and one for each halving
    for weight in weights:
        assert torch.linalg.matrix_norm(weight.detach().flatten(1), 2).item() == pytest.approx(1, abs=0.02)


def test_gradients_reach_the_image(judge):
    images = torch.randn(2, 3, 32, 16).requires_grad_()
    judge(images).mean().backward()
    assert bool((images.grad.abs().amax((1, 2, 3)) > 0).all())


def test_coarse_features_are_mixed_into_fine_ones_and_not_the_other_way():
    mixing = CrossScaleMixing([2, 3], 4)
    fine, coarse = torch.zeros(1, 2, 8, 8), torch.zeros(1, 3, 4, 4)
    still = mixing([fine, coarse])
    moved_coarse, moved_fine = mixing([fine, coarse + 1]), mixing([fine + 1, coarse])
    assert not torch.equal(moved_coarse[0], still[0])
    assert not torch.equal(moved_fine[0], still[0])
    assert torch.equal(moved_fine[1], still[1])


@pytest.mark.parametrize("wrong", [{"scales": ()}, {"scales": (2, 1)}, {"scales": (-1, 1)}, {"enlarge": 3}])
def test_scales_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="scales"):
        ProjectedDiscriminator(PartsNet(), height=32, width=16, **wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"height": 8, "width": 8}, "too small"), ({"enlarge": 0.5}, "too small"), ({"enlarge": 4}, "no larger than")],
)
def test_images_that_do_not_go_with_the_scales_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        ProjectedDiscriminator(PartsNet(), **{"height": 32, "width": 16} | wrong)


def test_scales_that_the_network_has_not_are_refused():
    with pytest.raises(ValueError, match="the feature network has 3"):
        ProjectedDiscriminator(Blind(), height=32, width=16, scales=(1, 3))


def test_images_of_another_size_are_refused(judge):
    with pytest.raises(ValueError, match="img must have the shape"):
        judge(torch.zeros(1, 3, 16, 16))


def test_critics_see_how_much_a_group_differs_and_nothing_of_other_groups():
    torch.manual_seed(0)
    judge = ProjectedDiscriminator(
        PartsNet(working_height=64), height=32, width=16, mixed_channels=8, critic_channels=8, mbstd_group_size=2
    ).eval()
    layers = [layer for layer in judge.modules() if isinstance(layer, MinibatchStd)]
    assert len(layers) == 5  # one a critic
    one, other, third = torch.randn(3, 3, 32, 16)
    alike, apart = judge(torch.stack([one, one])), judge(torch.stack([one, other]))
    assert (alike[0] - apart[0]).abs().max() > 1e-4
    # Groups are samples half a batch apart (`discriminator.minibatch_std`).
    beside = judge(torch.stack([one, third, other, one]))
    torch.testing.assert_close(beside[[0, 2]], apart, rtol=1e-4, atol=1e-5)


def test_groups_of_one_leave_the_critics_as_they_were(judge):
    torch.manual_seed(0)
    plain = ProjectedDiscriminator(
        PartsNet(working_height=64), height=32, width=16, mixed_channels=8, critic_channels=8, mbstd_group_size=1
    )
    assert {k: v.shape for k, v in plain.state_dict().items()} == {k: v.shape for k, v in judge.state_dict().items()}
    with pytest.raises(ValueError, match="mbstd_group_size=0"):
        ProjectedDiscriminator(PartsNet(), height=32, width=16, mbstd_group_size=0)
