from pathlib import Path

import pytest
import torch
from torch import nn

from insetgan.cli.build import instantiate
from insetgan.data.archive import Archive
from insetgan.data.person import PART_NAMES
from insetgan.detection.located import LocatedImages, unpack_masks
from insetgan.detection.mask_loss import mask_iou
from insetgan.detection.parts_net import PartsNet
from insetgan.detection.segmenter import PartsSegmenter, ScriptedSegmenter, Segmenter
from insetgan.ops.images import from_uint8, seeded_latents
from insetgan.runtime.errors import UserError
from insetgan.weights.store import load_network

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")

HELD_OUT = Path(__file__).parents[1] / "assets" / "people_heldout.zip"
LEAST_IOU = {"face": 0.85, "hand_left": 0.75, "hand_right": 0.75, "feet": 0.75}


class Brightness(nn.Module):
    """Three classes: dark, bright in red, and one that is never likely."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        red = images[:, :1] * 20
        return torch.cat([-red, red, torch.full_like(red, -100.0)], dim=1)


class Halved(nn.Module):
    """Logits at half the size, as many networks give them."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(images, 2) * 20


class Tall(nn.Module):
    """Takes images of 8 rows only."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.view(images.shape[0], 3, 8, 4)


class Pair(nn.Module):
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return images, images


class Flat(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3))


@pytest.fixture
def scripted(tmp_path):
    """Write a network as TorchScript and make a segmenter of it."""

    def make(network, classes, **settings):
        torch.jit.script(network).save(str(tmp_path / "net.pt"))
        return ScriptedSegmenter(tmp_path / "net.pt", classes, **settings, trust=True)

    return make


@pytest.fixture
def halves():
    """Two images 16 x 8, the upper half bright, the lower dark."""
    images = torch.ones(2, 3, 16, 8)
    images[:, :, 8:] = -1
    return images


def test_parts_net_gives_masks_by_name(halves):
    torch.manual_seed(0)
    network = PartsNet(working_height=64, masks=True).eval()
    masks = PartsSegmenter(network).segment(halves)
    assert tuple(masks) == PART_NAMES
    assert all(mask.shape == (2, 1, 16, 8) and not mask.requires_grad for mask in masks.values())
    torch.testing.assert_close(torch.cat(list(masks.values()), dim=1), network.segment(halves))


def test_autocast_makes_no_difference(halves):
    segmenter = PartsSegmenter(PartsNet(working_height=64, masks=True).eval())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        masks = segmenter.segment(halves)
    assert masks["face"].dtype == torch.float32
    assert torch.equal(masks["face"], segmenter.segment(halves)["face"])


def test_parts_net_without_masks_is_refused():
    with pytest.raises(UserError, match=r"has no masks; .*model\.module\.only=masks adds them"):
        PartsSegmenter(PartsNet())


def test_embedded_masks_sit_where_the_embedded_detector_sees_the_face():
    body, parts = load_network("body", kind="generator"), load_network("parts", kind="parts")
    with torch.no_grad():
        images = body(seeded_latents(range(8), body.z_dim), truncation_psi=0.7, noise_mode="const")
        boxes = parts(images).boxes[:, 0]
    for mask, box in zip(PartsSegmenter(parts).segment(images)["face"], boxes, strict=True):
        rows, columns = (mask[0] > 0.5).nonzero(as_tuple=True)
        tight = torch.tensor([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]).float()
        assert (tight - box).abs().max() < 8


@pytest.mark.slow
def test_embedded_network_outlines_people_it_never_saw():
    people = LocatedImages(Archive(HELD_OUT), masks=True)
    images, true = from_uint8(people.images.permute(0, 2, 3, 1)), unpack_masks(people.masks)
    masks = PartsSegmenter(load_network("parts", kind="parts")).segment(images)
    iou = mask_iou(torch.cat(list(masks.values()), dim=1), true)
    measured = {name: float(iou[people.visible[:, k], k].mean()) for k, name in enumerate(PART_NAMES)}
    print(measured)
    for name, least in LEAST_IOU.items():
        assert measured[name] >= least, measured


@pytest.mark.parametrize("size", [None, [16, 8], (32, 24)])
def test_the_classes_of_a_network_are_parts(scripted, halves, size):
    segmenter = scripted(Brightness(), {"face": 1, "feet": [0], "hand_left": 2, "body": [1, 0]}, size=size)
    masks = segmenter.segment(halves)
    assert set(masks) == {"face", "feet", "hand_left", "body"}
    upper = torch.zeros(2, 1, 16, 8)
    upper[:, :, :8] = 1
    away = torch.ones(16, dtype=torch.bool)
    away[7:9] = size != (32, 24)  # resampling blurs the edge
    torch.testing.assert_close(masks["face"][:, :, away], upper[:, :, away])
    torch.testing.assert_close(masks["feet"][:, :, away], 1 - upper[:, :, away])
    torch.testing.assert_close(masks["hand_left"], torch.zeros_like(upper))
    torch.testing.assert_close(masks["body"], torch.ones_like(upper))


def test_smaller_logits_come_back_to_the_size_of_the_canvas(scripted, halves):
    halves[:, 1:] = 0
    masks = scripted(Halved(), {"face": 0}).segment(halves)
    assert masks["face"].shape == (2, 1, 16, 8)
    assert masks["face"][:, :, :6].min() > 0.99 and masks["face"][:, :, 10:].max() < 0.01


def test_autocast_makes_no_difference_to_a_scripted_network(scripted, halves):
    segmenter = scripted(nn.Conv2d(3, 4, 3, padding=1), {"face": 1})
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mask = segmenter.segment(halves)["face"]
    assert mask.dtype == torch.float32
    assert torch.equal(mask, segmenter.segment(halves)["face"])


def test_a_scripted_network_can_be_moved_and_is_not_trained(scripted):
    network = scripted(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), {"face": 1}).network
    assert isinstance(network, nn.Module) and not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    network.to(torch.float64)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float64}


@pytest.mark.parametrize(
    ("network", "classes", "said"),
    [
        (Brightness(), {"face": 1, "feet": [0, 3]}, r"classes\.feet=\[0, 3\]: the network has classes 0 to 2 only"),
        (Flat(), {"face": 1}, r"net\.pt: gives \[2, 3\] for 2 images, must give logits \[n, classes, h, w\]"),
        (Pair(), {"face": 1}, r"net\.pt: gives tuple for 2 images"),
        (Tall(), {"face": 1}, r"net\.pt: fails on images \[2, 3, 16, 8\]; segmenter\.size= resamples them"),
    ],
)
def test_networks_that_do_not_fit_are_named(scripted, halves, network, classes, said):
    with pytest.raises(UserError, match=said) as caught:
        scripted(network, classes).segment(halves)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ({}, "needs path=.* and classes="),
        ({"face": -1}, r"classes\.face=-1: must be a class number of 0 or more"),
        ({"face": []}, r"classes\.face=\[\]"),
        ({"face": "skin"}, r"classes\.face=skin"),
        ({"face": [1, 2.5]}, r"classes\.face=\[1, 2\.5\]"),
    ],
)
def test_classes_that_are_none(tmp_path, classes, said):
    with pytest.raises(UserError, match=said):
        ScriptedSegmenter(tmp_path / "net.pt", classes, trust=True)


@pytest.mark.parametrize("size", [[16], [16, 0], [1, 2, 3]])
def test_sizes_that_are_none(tmp_path, size):
    with pytest.raises(UserError, match=r"segmenter\.size=.* must be height and width"):
        ScriptedSegmenter(tmp_path / "net.pt", {"face": 1}, size, trust=True)


def test_files_that_are_none(tmp_path):
    with pytest.raises(UserError, match=r"needs path="):
        ScriptedSegmenter(None, {"face": 1})
    with pytest.raises(UserError, match=r"net\.pt: no file .*net\.pt; give a TorchScript file"):
        ScriptedSegmenter(tmp_path / "net.pt", {"face": 1}, trust=True)
    (tmp_path / "text.pt").write_text("no network")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "weights.pt")
    for name in ("text.pt", "weights.pt"):
        with pytest.raises(UserError, match=rf"{name}: not a whole TorchScript file") as caught:
            ScriptedSegmenter(tmp_path / name, {"face": 1}, trust=True)
        assert "\n" not in str(caught.value)


def test_settings_build_it(tmp_path):
    torch.jit.script(Brightness()).save(str(tmp_path / "net.pt"))
    node = {
        "_target_": "insetgan.detection.segmenter.ScriptedSegmenter",
        "trust": True,
        "path": str(tmp_path / "net.pt"),
        "classes": {"face": [1, 2]},
        "size": [8, 4],
    }
    assert instantiate(node, Segmenter).classes == {"face": [1, 2]}
    with pytest.raises(UserError, match="needs path="):
        instantiate({**node, "path": None}, Segmenter)


def test_the_classes_of_a_pixel_share_its_probability(scripted):
    masks = scripted(Halved(), {"face": 0, "rest": [1, 2]}).segment(torch.zeros(1, 3, 16, 8))
    torch.testing.assert_close(masks["face"], torch.full((1, 1, 16, 8), 1 / 3))
    torch.testing.assert_close(masks["rest"], torch.full((1, 1, 16, 8), 2 / 3))
