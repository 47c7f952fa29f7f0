import pytest
import torch
from torch import Tensor, nn

from insetgan.detection.parts_net import PartsNet
from insetgan.metrics.distribution import metric_names
from insetgan.metrics.features import PartsFeatures, describe
from insetgan.metrics.inception import INCEPTION_FILE, InceptionFeatures
from insetgan.runtime.errors import UserError


def random_images(count, height=64, width=32):
    return torch.randint(256, (count, 3, height, width), dtype=torch.uint8)


def test_parts_features_are_means_of_the_three_coarsest_maps():
    network = PartsNet().eval()
    extractor = PartsFeatures(network, width=32)
    images = random_images(2)
    maps = network.features(images.float() / 127.5 - 1)[2:]
    expected = torch.cat([each.flatten(2).mean(2) for each in maps], dim=1)
    found = extractor(images)
    assert found.shape == (2, extractor.num_features) == (2, 288)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)


def test_images_of_any_size_are_seen_at_one_width():
    extractor = PartsFeatures(PartsNet(), width=32)
    seen = []
    extractor.network.features = lambda x: seen.append(tuple(x.shape)) or [torch.zeros(1, c, 1, 1) for c in (1,) * 5]
    for height, width in ((64, 32), (16, 16), (1024, 512), (40, 41), (8, 64)):
        extractor(random_images(1, height, width))
    assert seen == [(1, 3, h, 32) for h in (64, 32, 64, 32, 16)]


def test_an_image_enlarged_is_nearer_to_itself_than_to_any_other():
    extractor = PartsFeatures(PartsNet(), width=32)
    small = (
        random_images(4, 4, 2).repeat_interleave(16, 2).repeat_interleave(16, 3)
    )  # squares of 16 pixels of one colour
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    expected = extractor(small)
    moved = (extractor(large) - expected).norm(dim=1)
    assert 0 < moved.max() < 0.25 * torch.pdist(expected).min()


def test_parts_features_stay_frozen():
    extractor = PartsFeatures(PartsNet())
    extractor.train()
    assert not any(module.training for module in extractor.modules())
    assert not any(parameter.requires_grad for parameter in extractor.parameters())


def test_parts_features_refuse_a_width_without_whole_places():
    with pytest.raises(ValueError, match="width=100: must be a multiple of 16"):
        PartsFeatures(PartsNet(), width=100)


def test_a_batch_of_one_is_described_as_in_any_other():
    extractor, images = PartsFeatures(PartsNet(), width=32), random_images(5)
    alone = describe(extractor, images.split(1))
    torch.testing.assert_close(alone, describe(extractor, images.split(3)))
    assert alone.shape == (5, 288)


class Inception(nn.Module):
    """Has the signature of the field's file: features of uint8 images, or without return_features its verdicts."""

    def forward(self, img: Tensor, return_features: bool = False) -> Tensor:
        mean = img.to(torch.float32).flatten(2).mean(2)
        return mean.repeat(1, 683)[:, :2048] if return_features else mean


class Foreign(nn.Module):
    def forward(self, img: Tensor) -> Tensor:
        return img


class Small(nn.Module):
    def forward(self, img: Tensor, return_features: bool = False) -> Tensor:
        return img.to(torch.float32).flatten(2).mean(2)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "insetgan").mkdir()
    return tmp_path / "insetgan" / INCEPTION_FILE


def test_inception_is_found_in_the_cache_and_gives_its_features(cache):
    torch.jit.script(Inception()).save(cache)
    extractor, images = InceptionFeatures(trust=True), random_images(3)
    found = describe(extractor, [images])
    assert found.shape == (3, extractor.num_features)
    torch.testing.assert_close(found[:, 1], images[:, 1].float().mean((1, 2)))
    assert metric_names(extractor.name) == ("Metrics/fid", "Metrics/kid")


def test_a_path_of_its_own_is_taken(tmp_path, cache):
    torch.jit.script(Inception()).save(tmp_path / "mine.pt")
    assert InceptionFeatures(tmp_path / "mine.pt", trust=True)(random_images(1)).shape == (1, 2048)


def test_a_missing_file_says_what_where_and_how(cache):
    with pytest.raises(UserError) as caught:
        InceptionFeatures(trust=True)
    text = str(caught.value)
    assert str(cache) in text and "https://nvlabs-fi-cdn.nvidia.com/" in text and "features.path=" in text
    assert "\n" not in text


def test_a_file_that_is_no_network_is_refused_in_one_line(cache):
    cache.write_bytes(b"<html>moved</html>")
    with pytest.raises(UserError, match=r"not a whole TorchScript file") as caught:
        InceptionFeatures(trust=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("other", [Foreign, Small])
def test_another_network_is_refused_in_one_line(cache, other):
    torch.jit.script(other()).save(cache)
    with pytest.raises(UserError, match="gives no 2048 features") as caught:
        InceptionFeatures(trust=True)(random_images(2))
    assert "\n" not in str(caught.value)
