"""Published files where users name weights: in generate.py, refine.py, evaluate.py and in a notebook."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from published_streams import nvidia_pickle
from rosinality_streams import rosinality_generator

import insetgan
from insetgan.networks import Generator
from insetgan.ops.images import to_uint8
from insetgan.weights.store import load_network


@pytest.fixture
def files(tmp_path):
    """A conditional-free body of NVIDIA's form, 32 x 16, and a face of rosinality's, 16 x 16."""
    nvidia_pickle(tmp_path / "body.pkl", "rect_32x16")
    face = Generator(height=32, width=32, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=8)
    theirs = rosinality_generator(face.state_dict())
    torch.save({"g_ema": theirs, "latent_avg": face.mapping.w_avg}, tmp_path / "face.pt")
    return tmp_path


def test_generate_draws_the_same_image_as_the_network(files, in_process):
    code, _, errors = in_process("generate", f"weights={files}/body.pkl", "seeds=3", "trunc=1", f"out={files}/drawn")
    assert (code, errors) == (0, "")
    (path,) = (files / "drawn" / "images").glob("*.png")
    z = torch.from_numpy(np.random.RandomState(3).randn(1, 32)).float()
    expected = to_uint8(load_network(files / "body.pkl")(z))[0]
    assert np.abs(np.asarray(Image.open(path), int) - expected.numpy().astype(int)).max() <= 1


def test_refine_composes_a_body_and_a_face_of_two_forms(files, in_process):
    code, _, errors = in_process(
        "refine",
        f"canvas.weights={files}/body.pkl",
        f"parts.face.weights={files}/face.pt",
        "detector._target_=insetgan.detection.detector.FixedBoxes",
        "~detector.network",
        "+detector.boxes.face=[4,4,12,12]",
        "seeds=0",
        "steps=2",
        f"out={files}/refined",
    )
    assert code == 0, errors
    sample = json.loads((files / "refined" / "results.json").read_text())["samples"][0]
    assert sample["status"] == "ok"


def test_a_notebook_loads_them(files):
    generator = insetgan.load(files / "face.pt")
    assert generator.draw(generator.mapping(torch.randn(2, 8))).shape == (2, 3, 32, 32)
