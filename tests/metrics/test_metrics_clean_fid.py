"""Against clean-fid itself, on folders of PNG files."""

import sys

import cleanfid.features
import cleanfid.fid
import cleanfid.inception_pytorch
import cleanfid.inception_torchscript
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from insetgan.metrics.distribution import metric_names
from insetgan.metrics.features import Frozen, describe
from insetgan.metrics.frechet import Moments
from insetgan.metrics.inception import INCEPTION_FILE, PYTORCH_FILE, CleanFeatures
from insetgan.metrics.registry import feature_metrics
from insetgan.metrics.statistics import CleanReference
from insetgan.runtime.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*pretrained:UserWarning")
CPU = {"num_workers": 0, "batch_size": 7, "device": torch.device("cpu"), "verbose": False}


class Layers(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        means = torch.nn.functional.avg_pool2d(images, 8).flatten(1)
        return means[:, :2048]


class Inception(nn.Module):
    """The parts of the field's file that clean-fid uses, without its 24 million weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = Layers()

    def forward(self, img: Tensor, return_features: bool = False) -> Tensor:
        resized = torch.nn.functional.interpolate(img.float(), (299, 299), mode="bilinear", align_corners=False)
        return self.layers((resized - 128) / 128)


class Small(Frozen):
    """Sixteen random features of what clean-fid's resizer gives: more images than features, as FID wants."""

    name, title, num_features = "inception_clean", "Inception, clean", 16

    def __init__(self, clean):
        super().__init__()
        self.clean = clean
        generator = torch.Generator().manual_seed(0)
        self.weight = torch.randn(16, 3, 23, 23, generator=generator) / 200

    def network(self, given):
        return torch.nn.functional.conv2d(given.float(), self.weight, stride=23).relu().mean((2, 3))

    def forward(self, images):
        return self.network(self.clean.resized(images))


@pytest.fixture(scope="module")
def scripted(tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / INCEPTION_FILE
    torch.jit.script(Inception()).save(path)
    return path


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two sets of 60 smooth images that differ, as arrays and as folders of PNG files."""
    random = np.random.RandomState(0)
    found = []
    for shift in (0, 25):
        folder = tmp_path_factory.mktemp("images")
        small = random.randint(0, 200, size=(60, 6, 4, 3)).astype(np.uint8) + np.uint8(shift)
        arrays = [np.asarray(Image.fromarray(each).resize((40, 60), Image.Resampling.BICUBIC)) for each in small]
        for index, array in enumerate(arrays):
            Image.fromarray(array).save(folder / f"{index:03d}.png")
        found.append((torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous(), str(folder)))
    return found


def with_weights(monkeypatch, state):
    """Give clean-fid's own Inception these weights in the place of the ones that it would fetch; None keeps its own."""
    monkeypatch.setattr(cleanfid.inception_pytorch, "load_state_dict_from_url", lambda *_, **__: state)
    if state is None:
        monkeypatch.setattr(nn.Module, "load_state_dict", lambda self, state, **settings: None)


def port_weights():
    """Random weights of pytorch-fid's Inception of the scale of He et al. 2015, so that no layer shrinks what it is given."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        with_weights(monkeypatch, None)
        state = cleanfid.inception_pytorch.fid_inception_v3().state_dict()
    generator = torch.Generator().manual_seed(1)
    for weight in state.values():
        if weight.ndim == 4:
            weight.copy_(torch.randn(weight.shape, generator=generator) * (2 / weight[0].numel()) ** 0.5)
    return state


@pytest.mark.parametrize("mode", ["clean", "legacy_tensorflow"])
def test_features_are_those_of_clean_fid(scripted, folders, mode):
    wrapper = cleanfid.inception_torchscript.InceptionV3W(
        str(scripted.parent), download=False, resize_inside=mode == "legacy_tensorflow"
    )
    images, folder = folders[0]
    extractor = CleanFeatures(mode, scripted, trust=True)
    theirs = cleanfid.fid.get_folder_features(folder, wrapper, mode=mode, **CPU)
    ours = describe(extractor, images.split(9))
    torch.testing.assert_close(ours, torch.from_numpy(theirs), rtol=1e-5, atol=1e-5)
    assert ours.shape == (60, extractor.num_features)


@pytest.fixture(scope="module")
def ported(tmp_path_factory):
    path = tmp_path_factory.mktemp("port") / PYTORCH_FILE
    torch.save(port_weights(), path)
    return path


def test_the_port_to_pytorch_gives_the_features_of_clean_fids_own_network(ported, folders, tmp_path, monkeypatch):
    images = folders[0][0][:3]
    for index, image in enumerate(images):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(tmp_path / f"{index}.png")
    with_weights(monkeypatch, torch.load(ported, weights_only=True))
    own = cleanfid.features.build_feature_extractor("legacy_pytorch", CPU["device"], use_dataparallel=False)
    theirs = torch.from_numpy(cleanfid.fid.get_folder_features(str(tmp_path), own, mode="legacy_pytorch", **CPU))
    extractor = CleanFeatures("legacy_pytorch", ported)
    near = 1e-3 * float((theirs[0] - theirs[1]).abs().mean())  # a thousandth of what tells two images apart
    assert near > 1e-6 * float(theirs.abs().max()) and theirs.shape == (3, 2048)
    torch.testing.assert_close(describe(extractor, [images]), theirs, rtol=0, atol=near)
    torch.testing.assert_close(describe(extractor, images.split(1)), theirs, rtol=0, atol=near)


@pytest.mark.parametrize("mode", ["clean", "legacy_pytorch"])
def test_fid_of_two_folders_is_clean_fids_and_torchmetrics(scripted, ported, folders, mode):
    extractor = Small(CleanFeatures(mode, scripted if mode == "clean" else ported, trust=True))
    theirs = cleanfid.fid.compute_fid(
        folders[0][1], folders[1][1], mode=mode, custom_feat_extractor=extractor.network, **CPU
    )
    real, fake = (describe(extractor, images.split(16)) for images, _ in folders)
    (clean,) = feature_metrics(["fid"], extractor)
    (metrics,) = feature_metrics(["fid"], extractor, engine="torchmetrics")
    assert theirs > 1
    assert clean.measure(real, fake) == pytest.approx(theirs, abs=1e-3)
    assert metrics.measure(real, fake) == pytest.approx(theirs, rel=0.01)
    assert clean.halves(real, fake, [torch.arange(60)])[0] == pytest.approx(theirs, abs=1e-3)


def test_kid_is_clean_fids_and_torchmetrics(scripted, folders):
    extractor = Small(CleanFeatures("clean", scripted, trust=True))
    arrays = [cleanfid.fid.get_folder_features(folder, extractor.network, **CPU) for _, folder in folders]
    theirs = cleanfid.fid.kernel_distance(*arrays)
    real, fake = (describe(extractor, images.split(16)) for images, _ in folders)
    (clean,) = feature_metrics(["kid"], extractor)
    (metrics,) = feature_metrics(["kid"], extractor, engine="torchmetrics")
    assert theirs > 0.01
    assert clean.measure(real, fake) == pytest.approx(theirs, rel=1e-3)
    assert metrics.measure(real, fake) == pytest.approx(theirs, rel=0.01)


def test_kid_of_large_sets_is_a_mean_over_subsets_that_leaves_numpy_alone(scripted):
    extractor = Small(CleanFeatures("clean", scripted, trust=True))
    real, fake = torch.randn(1500, 16), torch.randn(1200, 16) + 0.3
    (clean,) = feature_metrics(["kid"], extractor)
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    value = clean.measure(real, fake)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert value == clean.measure(real, fake)
    (metrics,) = feature_metrics(["kid"], extractor, engine="torchmetrics")
    assert value == pytest.approx(metrics.measure(real, fake), rel=0.02)
    assert clean.halves(real, fake, [torch.arange(1200)])[0] == pytest.approx(value, rel=0.02)


@pytest.mark.parametrize("engine", ["cleanfid", "torchmetrics"])
@pytest.mark.parametrize("count", [200, 20])  # more and fewer than features
def test_a_set_is_at_no_distance_from_itself(scripted, engine, count):
    features = torch.rand(count, 64)
    (metric,) = feature_metrics(["fid"], Small(CleanFeatures("clean", scripted, trust=True)), engine=engine)
    assert abs(metric.measure(features, features)) < 1e-3


def test_cached_statistics_stand_for_the_real_images(scripted, folders, tmp_path):
    extractor = Small(CleanFeatures("clean", scripted, trust=True))
    real, fake = (describe(extractor, images.split(16)) for images, _ in folders)
    moments = Moments.of(real)
    np.savez(tmp_path / "mine_clean_custom_na.npz", mu=moments.mean.numpy(), sigma=moments.covariance.numpy())
    np.savez(tmp_path / "mine_clean_custom_na_kid.npz", feats=real.numpy())
    reference = CleanReference("Mine", "na", split="custom", folder=tmp_path)
    for metric in feature_metrics(["fid", "kid", "pr"], extractor):
        found = metric.measure(reference.side(metric.key), fake)
        assert found == pytest.approx(metric.measure(real, fake), abs=1e-5)


def test_missing_statistics_say_what_where_and_how(tmp_path):
    with pytest.raises(UserError) as caught:
        CleanReference("FFHQ", 1024, folder=tmp_path).side("fid")
    text = str(caught.value)
    assert str(tmp_path / "ffhq_clean_trainval_1024.npz") in text
    assert "https://www.cs.cmu.edu/~clean-fid/stats/ffhq_clean_trainval_1024.npz" in text
    assert "\n" not in text


@pytest.mark.parametrize("content", [b"PK\x03\x04 half", b"", None])
def test_files_that_are_no_statistics_are_refused_in_one_line(tmp_path, content):
    path = tmp_path / "ffhq_clean_trainval_1024.npz"
    path.write_bytes(content) if content is not None else np.savez(path, other=np.zeros(3))
    with pytest.raises(UserError, match="not a file of clean-fid's statistics") as caught:
        CleanReference("FFHQ", 1024, folder=tmp_path).side("fid")
    assert "\n" not in str(caught.value)


def test_names_say_which_way_images_were_resized(scripted):
    extractor = CleanFeatures("clean", scripted, trust=True)
    assert extractor.title == "Inception, clean"
    assert metric_names(extractor.name) == ("Metrics/fid_clean", "Metrics/kid_clean")
    assert CleanFeatures("legacy_tensorflow", scripted, trust=True).title == "Inception, legacy tensorflow"


@pytest.mark.parametrize(("mode", "file"), [("clean", INCEPTION_FILE), ("legacy_pytorch", PYTORCH_FILE)])
def test_a_missing_network_says_what_where_and_how(tmp_path, monkeypatch, mode, file):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("insetgan.metrics.inception._kept_by_others", lambda file: (tmp_path / "theirs" / file,))
    with pytest.raises(UserError) as caught:
        CleanFeatures(mode)
    text = str(caught.value)
    assert str(tmp_path / "insetgan" / file) in text and str(tmp_path / "theirs" / file) in text
    assert "https://" in text and "features.path=" in text and "features.download=true" in text
    assert "\n" not in text


def test_a_missing_network_is_fetched_whole_where_asked(tmp_path, monkeypatch, scripted):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("insetgan.metrics.inception._kept_by_others", lambda file: (tmp_path / "theirs" / file,))
    asked = []

    def fetch(url, path, **_):
        asked.append(url)
        with open(path, "wb") as file:
            file.write(scripted.read_bytes())

    monkeypatch.setattr("insetgan.metrics.inception.download_url_to_file", fetch)
    assert CleanFeatures("clean", download=True, trust=True).path == tmp_path / "insetgan" / INCEPTION_FILE
    CleanFeatures("clean", trust=True)
    assert len(asked) == 1 and asked[0].endswith(INCEPTION_FILE)


def test_without_a_network_connection_one_line_says_so(tmp_path, monkeypatch):
    def fail(url, path, **_):
        raise OSError("Name or service not known")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("insetgan.metrics.inception._kept_by_others", lambda file: (tmp_path / "theirs" / file,))
    monkeypatch.setattr("insetgan.metrics.inception.download_url_to_file", fail)
    with pytest.raises(UserError, match=r"cannot fetch https://.*not known"):
        CleanFeatures("clean", download=True, trust=True)
    assert not list((tmp_path / "insetgan").iterdir())


def test_other_networks_and_modes_are_refused_in_one_line(tmp_path, scripted, monkeypatch):
    torch.jit.script(Layers()).save(tmp_path / "other.pt")
    (tmp_path / "text.pth").write_text("moved")
    for mode, file, message in (
        ("clean", "other.pt", "gives no 2048 features"),
        ("clean", "text.pth", "not a whole TorchScript file"),
        ("legacy_pytorch", "text.pth", "not the weights of"),
        ("legacy_pytorch", "other.pt", "not the weights of"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            CleanFeatures(mode, tmp_path / file, trust=True)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"features\.mode=dirty: must be one of clean, legacy_pytorch"):
        CleanFeatures("dirty", scripted)
    monkeypatch.setitem(sys.modules, "cleanfid.fid", None)
    with pytest.raises(UserError, match=r"pip install -e '\.\[metrics\]'"):
        CleanFeatures("clean", scripted, trust=True)
