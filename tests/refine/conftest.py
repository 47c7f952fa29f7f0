import pytest
import torch
from torch import nn

from insetgan.detection.detector import Detection, FixedBoxes
from insetgan.detection.part import Part
from insetgan.detection.placement import SquarePlacement
from insetgan.networks.layered import Layered
from insetgan.refine.latents import CANVAS, Latents
from insetgan.refine.objective import Objective
from insetgan.refine.problem import Problem
from insetgan.refine.starts import start_latents
from insetgan.refine.terms.body import BodyL1
from insetgan.refine.terms.border import BorderL1
from insetgan.refine.terms.coarse import CoarseL1
from insetgan.refine.terms.regularisers import OffsetNorm


class LinearMapping(nn.Module):
    def __init__(self, w_dim, num_ws):
        super().__init__()
        self.num_ws = num_ws
        self.register_buffer("w_avg", torch.full((w_dim,), 0.1))

    def forward(self, z, *, truncation_psi=1.0):
        w = self.w_avg + truncation_psi * (z * 0.3 - self.w_avg)
        return w[:, None].repeat(1, self.num_ws, 1)


class LinearGenerator(Layered, nn.Module):
    """Draws sum_i layer_i(w_i): every layer has its own basis of images, smooth in space."""

    def __init__(self, height, width, w_dim=6, num_ws=3, seed=0, flat=False):
        super().__init__()
        self.height, self.width, self.z_dim, self.w_dim, self.num_ws = height, width, w_dim, w_dim, num_ws
        self.mapping = LinearMapping(w_dim, num_ws)
        generator = torch.Generator().manual_seed(seed)
        size = (1, 1) if flat else (4, 4)
        basis = torch.randn(num_ws * w_dim, 3, *size, generator=generator) * 0.3
        self.basis = nn.functional.interpolate(basis, (height, width), mode="bilinear").unflatten(0, (num_ws, w_dim))
        self.calls = 0

    def draw(self, ws):
        return self.synthesis(ws, noise_mode="const")

    def synthesis(self, ws, *, noise_mode):
        assert noise_mode == "const"
        self.calls += 1
        return torch.einsum("nlw,lwchx->nchx", ws, self.basis)


class BreakingGenerator(LinearGenerator):
    """Draws NaN for samples with a code above 0.9, unless it stands at 0.999 exactly, from where any move breaks it."""

    def synthesis(self, ws, *, noise_mode):
        wild = ((ws.detach() > 0.9) & ((ws.detach() - 0.999).abs() > 1e-6)).flatten(1).any(1)
        images = super().synthesis(ws, noise_mode=noise_mode)
        return torch.where(wild[:, None, None, None], torch.nan, images)


class Following:
    """Sees the part lower on the canvas the brighter its first pixel is; blind to samples above `blind`."""

    def __init__(self, scale=4.0, blind=float("inf")):
        self.scale, self.blind, self.looks = scale, blind, 0

    def detect(self, images):
        self.looks += 1
        level = images[:, :, 0, 0].mean(1)
        y = 6 + self.scale * level
        boxes = torch.stack([torch.full_like(y, 4), y, torch.full_like(y, 12), y + 8], 1)
        return {"face": Detection(boxes, (level < self.blind).float())}


@pytest.fixture
def following():
    return Following


@pytest.fixture
def linear():
    return LinearGenerator


@pytest.fixture
def breaking():
    return BreakingGenerator


@pytest.fixture
def problem():
    """Builds a problem of linear toys: a 24 x 16 canvas with a 12 x 12 inset at a known place."""

    def build(seeds=(0, 1, 2), trunc=0.7, detector=None, canvas=None, inset=None, names=("face",), **placement):
        canvas = canvas or LinearGenerator(24, 16)
        inset = inset or LinearGenerator(12, 12, seed=1)
        detector = detector or FixedBoxes({name: (4 + 2 * i, 4, 12 + 2 * i, 12) for i, name in enumerate(names)})
        rule = SquarePlacement(**{"margin": 0.0, **placement})
        parts = {name: Part(name, inset, detector, rule) for name in names}
        starts = {CANVAS: start_latents(canvas, seeds, trunc)}
        starts |= {name: start_latents(inset, [seed + 100 for seed in seeds], trunc) for name in names}
        return Problem(canvas, parts, starts)

    return build


@pytest.fixture
def objective():
    def build(**changes):
        terms = {
            "coarse_l1": CoarseL1(weight=1),
            "border_l1": BorderL1(weight=2),
            "body_l1": BodyL1(weight=2),
            "offsets": OffsetNorm(weight=0.01),
        }
        terms.update(changes)
        return Objective({name: term for name, term in terms.items() if term is not None})

    return build


@pytest.fixture
def latents():
    return Latents
