"""The networks against numbers computed with the public implementations (tests/assets/parity/README.md)."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from insetgan.networks import Discriminator, Generator
from insetgan.training.adversarial import r1_penalty
from insetgan.training.path_length import path_lengths

ASSETS = Path(__file__).parents[1] / "assets" / "parity"
SHAPES = {
    "square_32": {"width": 32, "c_dim": 0, "mapping_layers": 3},
    "rect_32x16": {"width": 16, "c_dim": 0, "mapping_layers": 3},
    "conditional_32": {"width": 32, "c_dim": 3, "mapping_layers": 2},
}
TOLERANCE = 1e-4


class Reference:
    """One network pair with its inputs and expected results."""

    def __init__(self, name):
        with np.load(ASSETS / f"{name}.npz") as archive:
            self.values = {k: torch.from_numpy(archive[k]) for k in archive.files if archive[k].dtype.kind == "f"}
        shape = dict(SHAPES[name])
        depth = shape.pop("mapping_layers")
        common = {"height": 32, "channel_base": 512, "channel_max": 24, **shape}
        self.G = Generator(**common, z_dim=32, w_dim=32, mapping_layers=depth)
        self.D = Discriminator(**common, mbstd_group_size=4)
        self.G.load_state_dict(self.part("G/"), strict=True)
        self.D.load_state_dict(self.part("D/"), strict=True)
        self.G.eval()
        self.D.eval()
        self.z = self["in/z"]
        self.c = self.values.get("in/c")

    def __getitem__(self, key) -> Tensor:
        return self.values[key]

    def part(self, prefix):
        return {k.removeprefix(prefix): v for k, v in self.values.items() if k.startswith(prefix)}

    def double(self):
        self.values = {k: v.double() for k, v in self.values.items()}
        self.G.double()
        self.D.double()
        self.z = self["in/z"]
        self.c = self.values.get("in/c")
        return self


@pytest.fixture(scope="module", params=SHAPES)
def ref(request):
    return Reference(request.param)


def relative_error(actual, expected):
    assert actual.shape == expected.shape
    return float((actual - expected).detach().norm() / expected.norm())


def assert_gradients(network, expected):
    """Each parameter's gradient agrees; parameters that the list leaves out have no (or a zero) gradient."""
    for name, parameter in network.named_parameters():
        if name in expected and expected[name].norm() > 0:
            assert relative_error(parameter.grad, expected[name]) < TOLERANCE, name
        else:
            assert parameter.grad is None or parameter.grad.norm() == 0, name


def test_mapping(ref):
    assert relative_error(ref.G.mapping(ref.z, ref.c), ref["out/ws"]) < TOLERANCE


def test_truncation(ref):
    ws = ref.G.mapping(ref.z, ref.c, truncation_psi=0.5)
    assert relative_error(ws, ref["out/ws_psi0.5"]) < TOLERANCE


@pytest.mark.parametrize("mode", ["const", "none"])
def test_synthesis(ref, mode):
    images = ref.G.synthesis(ref["out/ws"], noise_mode=mode)
    assert relative_error(images, ref[f"out/img_{mode}"]) < TOLERANCE


def test_generator_is_synthesis_of_mapping(ref):
    assert relative_error(ref.G(ref.z, ref.c), ref["out/img_const"]) < TOLERANCE


def test_discriminator(ref):
    assert relative_error(ref.D(ref["out/img_const"], ref.c), ref["out/logits"]) < TOLERANCE


def test_generator_loss_gradients(ref):
    ref.G.zero_grad()
    F.softplus(-ref.D(ref.G(ref.z, ref.c), ref.c)).mean().backward()
    assert_gradients(ref.G, ref.part("grad_g/"))


def test_r1_and_its_gradients(ref):
    ref.D.zero_grad()
    penalty = r1_penalty(lambda images: ref.D(images, ref.c), ref["out/img_const"])
    assert relative_error(penalty, ref["out/r1"]) < TOLERANCE
    (penalty * 5).mean().backward()
    assert_gradients(ref.D, ref.part("grad_r1/"))


def test_path_lengths_and_their_gradients(ref):
    ref.G.zero_grad()
    ws = ref.G.mapping(ref.z, ref.c)
    noise = ref["in/pl_noise"] * math.sqrt(ref.G.height * ref.G.width)  # stored as divided by it
    lengths = path_lengths(ref.G.synthesis(ws), ws, noise)
    assert relative_error(lengths, ref["out/path_lengths"]) < TOLERANCE
    (2 * (lengths - 0.5).square().mean()).backward()
    assert_gradients(ref.G, ref.part("grad_pl/"))


def test_float64(ref):
    wide = Reference(next(k for k, v in SHAPES.items() if v["width"] == ref.G.width and v["c_dim"] == ref.G.c_dim))
    wide.double()
    images = wide.G(wide.z, wide.c)
    logits = wide.D(images, wide.c)
    assert images.dtype == logits.dtype == torch.float64
    assert relative_error(images, wide["out/img_const"]) < 1e-5
    assert relative_error(logits, wide["out/logits"]) < TOLERANCE


def test_bfloat16_autocast_stays_close(ref):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        images = ref.G(ref.z, ref.c)
        logits = ref.D(ref["out/img_const"], ref.c)
    assert images.dtype == logits.dtype == torch.float32
    assert relative_error(images, ref["out/img_const"]) < 0.02
    assert relative_error(logits, ref["out/logits"]) < 0.05


def test_bfloat16_autocast_gradients_point_the_same_way(ref):
    ref.G.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = F.softplus(-ref.D(ref.G(ref.z, ref.c), ref.c)).mean()
    loss.backward()
    expected = ref.part("grad_g/")
    actual = torch.cat([p.grad.flatten() for n, p in ref.G.named_parameters() if n in expected])
    wanted = torch.cat([expected[n].flatten() for n, _ in ref.G.named_parameters() if n in expected])
    assert F.cosine_similarity(actual, wanted, dim=0) > 0.99
