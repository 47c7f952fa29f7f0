"""A conditional generator is refined and evaluated for the label that the settings name."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from insetgan.networks import Generator
from insetgan.weights.store import save_network


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A conditional canvas and a conditional face of three classes each: overrides of refine.py."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("labelled")
    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128, "channel_max": 8, "c_dim": 3}
    save_network(folder / "body.safetensors", Generator(height=64, width=32, **shape), kind="generator")
    save_network(folder / "face.safetensors", Generator(height=16, width=16, **shape), kind="generator")
    return f"canvas.weights={folder}/body.safetensors", f"parts.face.weights={folder}/face.safetensors"


def canvas(folder):
    return np.asarray(Image.open(folder / "samples" / "0_canvas.png"), float)


def test_the_canvas_is_of_the_label(refine, weights, tmp_path):
    for name, label in (("0", "0"), ("2", "2"), ("vector", "[0,0,1]")):
        overrides = (*weights, f"canvas.label={label}", "parts.face.label=1", "seeds=0", f"out={tmp_path}/{name}")
        code, _, errors = refine(*overrides)
        assert code == 0, errors
    assert np.abs(canvas(tmp_path / "0") - canvas(tmp_path / "2")).mean() > 1
    assert (canvas(tmp_path / "2") == canvas(tmp_path / "vector")).all(), "class 2 is the vector 0, 0, 1"
    results = json.loads((tmp_path / "2" / "results.json").read_text())
    assert results["labels"] == {"canvas": 2, "face": 1}


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ["parts.face.label=0"],
            "canvas.label: this generator is conditional; the label must be a whole number from 0 to 2",
        ),
        (["canvas.label=0"], "parts.face.label: this generator is conditional"),
        (
            ["canvas.label=3", "parts.face.label=0"],
            "canvas.label=3: must be a whole number from 0 to 2, or a list of 3",
        ),
        (["canvas.label=[0,1]", "parts.face.label=0"], "canvas.label=[0.0, 1.0]: must be a whole number from 0 to 2"),
    ],
)
def test_a_label_that_is_missing_or_does_not_fit_is_one_line(
    refine, weights, overrides, said, tmp_path, assert_one_line
):
    assert_one_line(refine(*weights, *overrides, "seeds=0", f"out={tmp_path}/run"), said)


def test_a_generator_without_labels_takes_none(refine, tmp_path, assert_one_line):
    result = refine("canvas.label=0", "seeds=0", f"out={tmp_path}/run")
    assert_one_line(result, "canvas.label=0: this generator has no labels; leave the setting away")
