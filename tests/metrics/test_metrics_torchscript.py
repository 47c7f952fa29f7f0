import pytest
import torch
from torch import Tensor, nn

from insetgan.metrics.features import describe
from insetgan.metrics.torchscript import TorchScriptFeatures
from insetgan.runtime.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


class Means(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.float().mean((2, 3))


class Places(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.float().mean((2, 3), keepdim=True)


class Batch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, images: Tensor) -> Tensor:
        return self.norm(images).mean((2, 3))


class Fixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * 8 * 4, 6)

    def forward(self, images: Tensor) -> Tensor:
        return self.linear(images.flatten(1))


class Maps(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images


class Pair(nn.Module):
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return images, images


def saved(tmp_path, network, name="mine.pt"):
    torch.jit.script(network).save(tmp_path / name)
    return tmp_path / name


def test_values_are_brought_to_the_range_that_is_asked_for(tmp_path):
    path, images = saved(tmp_path, Means()), torch.full((2, 3, 4, 4), 51, dtype=torch.uint8)
    for values, expected in (("bytes", 51.0), ("unit", 0.2), ("signed", -0.6), ("imagenet", (0.2 - 0.485) / 0.229)):
        found = TorchScriptFeatures(trust=True, path=path, values=values)(images)
        assert found[0, 0].item() == pytest.approx(expected, rel=1e-5)
        assert found.dtype == torch.float32


@pytest.mark.parametrize("network", [Means(), Places()])
def test_the_number_of_features_is_found_out(tmp_path, network):
    extractor = TorchScriptFeatures(trust=True, path=saved(tmp_path, network))
    assert extractor.num_features == 3
    assert extractor(torch.zeros(1, 3, 20, 10, dtype=torch.uint8)).shape == (1, 3)


def test_images_are_resized_where_asked_and_otherwise_fail_in_one_line(tmp_path):
    path = saved(tmp_path, Fixed())
    assert TorchScriptFeatures(trust=True, path=path, size=[8, 4])(
        torch.zeros(3, 3, 40, 20, dtype=torch.uint8)
    ).shape == (3, 6)
    with pytest.raises(UserError, match=r"fails on images .* features\.size= resizes them") as caught:
        TorchScriptFeatures(trust=True, path=path)
    assert "\n" not in str(caught.value)


def test_the_same_in_any_batch_and_frozen(tmp_path):
    extractor = TorchScriptFeatures(trust=True, path=saved(tmp_path, Batch().train()))
    images = torch.randint(256, (5, 3, 8, 8), dtype=torch.uint8)
    extractor.train()
    torch.testing.assert_close(describe(extractor, images.split(1)), describe(extractor, images.split(3)))
    assert not any(parameter.requires_grad for parameter in extractor.parameters())


def test_a_file_called_inception_is_not_taken_for_it(tmp_path):
    from insetgan.metrics.distribution import metric_names

    extractor = TorchScriptFeatures(trust=True, path=saved(tmp_path, Means(), "inception.pt"))
    assert "fid" not in " ".join(metric_names(extractor.name))


@pytest.mark.parametrize("network", [Maps(), Pair()])
def test_what_are_no_features_is_refused(tmp_path, network):
    with pytest.raises(UserError, match=r"must give \[2, d\]"):
        TorchScriptFeatures(trust=True, path=saved(tmp_path, network))


def test_mistakes_are_named(tmp_path):
    path = saved(tmp_path, Means())
    with pytest.raises(UserError, match=r"features\.path: must be"):
        TorchScriptFeatures(None)
    with pytest.raises(UserError, match="no file"):
        TorchScriptFeatures(trust=True, path=tmp_path / "none.pt")
    with pytest.raises(UserError, match=r"features\.values=rgb: must be one of bytes, unit, signed, imagenet"):
        TorchScriptFeatures(trust=True, path=path, values="rgb")
    for size in (8, [8], [8, 0], "8", [8.0, 8]):
        with pytest.raises(UserError, match=r"features\.size="):
            TorchScriptFeatures(trust=True, path=path, size=size)
    path.write_bytes(b"<html>")
    with pytest.raises(UserError, match="not a whole TorchScript file"):
        TorchScriptFeatures(trust=True, path=path)
