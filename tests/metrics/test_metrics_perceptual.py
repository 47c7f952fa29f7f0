import sys

import pytest
import torch

from insetgan.detection.parts_net import PartsNet
from insetgan.metrics.diversity import diversity
from insetgan.metrics.perceptual import BACKBONES, LpipsDistance, LpipsFeatures, PartsDistance
from insetgan.networks.perceptual import describe, feature_distance, unit_features
from insetgan.runtime.errors import UserError
from insetgan.runtime.torchvision_guard import guard


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """AlexNet as torchvision saves it, randomly initialised."""
    guard()
    from torchvision.models import alexnet

    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("weights") / BACKBONES["alex"]
    torch.save(alexnet(weights=None).state_dict(), path)
    return path


def random_images(count, size=64):
    return torch.rand(count, 3, size, size) * 2 - 1


def test_lpips_is_the_packages_on_the_weights_of_the_file(backbone):
    guard()
    import lpips

    torch.manual_seed(0)
    reference = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    state = torch.load(backbone)
    for name, value in reference.net.state_dict().items():
        value.copy_(state["features." + name.split(".", 1)[1]])
    ours, theirs = random_images(3), random_images(3)
    found = LpipsDistance("alex", backbone)(ours, theirs)
    torch.testing.assert_close(found, reference(ours, theirs).flatten())
    assert found.shape == (3,)
    assert bool((found > 0).all())


def test_lpips_of_an_image_and_itself_is_nothing_and_a_batch_changes_nothing(backbone):
    distance, ours, theirs = LpipsDistance("alex", backbone), random_images(4), random_images(4)
    assert distance(ours, ours).abs().max() == 0
    one_by_one = torch.cat([distance(ours[i : i + 1], theirs[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(one_by_one, distance(ours, theirs))
    assert (distance.name, distance.title) == ("lpips_alex", "LPIPS (AlexNet)")


def test_larger_images_are_reduced_where_asked(backbone):
    distance = LpipsDistance("alex", backbone, size=64)
    seen = []
    distance.network.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[2:]))
    distance(random_images(1, 128), random_images(1, 128))
    distance(torch.zeros(1, 3, 256, 128), torch.zeros(1, 3, 256, 128))
    distance(random_images(1, 48), random_images(1, 48))
    assert seen == [(64, 64), (128, 64), (48, 48)]


def test_weights_are_found_where_torchvision_keeps_them(backbone, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / BACKBONES["alex"]).write_bytes(backbone.read_bytes())
    ours, theirs = random_images(1), random_images(1)
    assert torch.equal(LpipsDistance("alex")(ours, theirs), LpipsDistance("alex", backbone)(ours, theirs))


def test_missing_weights_say_what_where_and_how(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UserError) as caught:
        LpipsDistance("vgg")
    text = str(caught.value)
    assert str(tmp_path / "hub" / "checkpoints" / BACKBONES["vgg"]) in text
    assert "https://download.pytorch.org/models/vgg16-397923af.pth" in text and "distance.path=" in text
    assert "\n" not in text


def test_other_files_are_refused_in_one_line(tmp_path, backbone):
    (tmp_path / "text.pth").write_text("moved")
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    for file in ("text.pth", "other.pth"):
        with pytest.raises(UserError, match="not the weights of") as caught:
            LpipsDistance("alex", tmp_path / file)
        assert "\n" not in str(caught.value)


def test_mistakes_are_named(backbone, monkeypatch):
    with pytest.raises(UserError, match=r"distance\.net=resnet: must be one of vgg, alex, squeeze"):
        LpipsDistance("resnet")
    with pytest.raises(UserError, match=r"distance\.size=8"):
        LpipsDistance("alex", backbone, size=8)
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(UserError, match=r"pip install -e '\.\[metrics\]'"):
        LpipsDistance("alex", backbone)


def test_partsnets_distance_is_the_refinements_and_never_called_lpips():
    network = PartsNet().eval()
    distance, ours, theirs = PartsDistance(network), random_images(2), random_images(2)
    expected = feature_distance(unit_features(network.features(ours)), unit_features(network.features(theirs)))
    torch.testing.assert_close(distance(ours, theirs), expected)
    assert "lpips" not in (distance.name + distance.title).lower()


def test_lpips_diversity_grows_with_what_differs(backbone):
    base = (torch.rand(3, 64, 64) * 255).to(torch.uint8)

    def of(strength):
        noise = torch.randint(-strength, strength + 1, (6, 3, 64, 64)) if strength else torch.zeros(6, 3, 64, 64)
        images = (base + noise).clamp(0, 255).to(torch.uint8)
        return diversity(lambda indices: images[list(indices)], 6, LpipsDistance("alex", backbone))

    assert of(0) == 0
    assert of(10) < of(60) < of(200)


@pytest.fixture(scope="module", params=["vgg", "alex", "squeeze"])
def net(request, tmp_path_factory):
    """A net with torchvision's file of a random backbone, and the package's LPIPS with these weights."""
    guard()
    import lpips
    from torchvision import models

    torch.manual_seed(4)
    maker = {"vgg": models.vgg16, "alex": models.alexnet, "squeeze": models.squeezenet1_1}[request.param]
    state = {name: value for name, value in maker(weights=None).state_dict().items() if name.startswith("features.")}
    path = tmp_path_factory.mktemp("backbones") / BACKBONES[request.param]
    torch.save(state, path)
    reference = lpips.LPIPS(net=request.param, pnet_rand=True, verbose=False)
    for name, value in reference.net.state_dict().items():
        value.copy_(state["features." + name.split(".", 1)[1]])
    return request.param, path, reference.requires_grad_(False)


def test_features_of_a_refinement_give_the_packages_values_and_gradients(net):
    name, path, reference = net
    features, ours, theirs = LpipsFeatures(name, path), random_images(2).requires_grad_(), random_images(2)
    found = feature_distance(describe(features, ours), describe(features, theirs))
    expected = reference(ours, theirs).flatten()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)
    assert found.min() > 0
    mine, packages = (torch.autograd.grad(value.sum(), ours, retain_graph=True)[0] for value in (found, expected))
    assert (mine - packages).norm() < 1e-3 * packages.norm()
    assert mine.norm() > 0


def test_features_take_any_size_and_black_images(net):
    name, path, _ = net
    features = LpipsFeatures(name, path)
    for size in (16, 64, 96):
        images = random_images(1, size).requires_grad_()
        distance = feature_distance(describe(features, images), describe(features, torch.zeros(1, 3, size, size)))
        (gradient,) = torch.autograd.grad(distance.sum(), images)
        assert gradient.isfinite().all() and gradient.abs().max() > 0
    assert features.files() == [path] and not any(each.requires_grad for each in features.parameters())


def test_missing_weights_of_a_refinement_name_its_setting(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"^perceptual=lpips: no file .*squeezenet1_1-b8a52dc0\.pth.*perceptual\.path="):
        LpipsFeatures("squeeze")
    with pytest.raises(UserError, match=r"perceptual\.net=resnet: must be one of vgg, alex, squeeze"):
        LpipsFeatures("resnet")
