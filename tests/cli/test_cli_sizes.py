"""Any height and width, from photographs to a composite: sizes that are not 4 times a power of two."""

import json

import numpy as np
import pytest
from PIL import Image

from insetgan.weights.store import load_network


@pytest.fixture
def photos(tmp_path):
    """Write four images of noise of a size; gives the overrides of train.py that name them."""

    def write(height, width):
        (tmp_path / "photos").mkdir()
        for index in range(4):
            pixels = np.random.default_rng(index).integers(0, 256, (height, width, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / f"{index}.png")
        return f"data.path={tmp_path}/photos", f"data.height={height}", f"data.width={width}"

    return write


@pytest.mark.parametrize(("height", "width"), [(96, 160), (48, 36)])
def test_a_canvas_of_another_size_is_trained_and_refined(height, width, train, refine, small, photos, tmp_path):
    code, text, errors = train(
        "+model=body", *photos(height, width), *small, "trainer.max_kimg=0.004", f"out={tmp_path}/train"
    )
    assert (code, errors) == (0, ""), errors
    assert "frechet_parts" in text, "PartsNet measures it, whether or not its sides are multiples of 16"
    network = load_network(tmp_path / "train" / "network-last.safetensors", kind="generator")
    assert (network.height, network.width) == (height, width)
    code, _, errors = refine(
        f"canvas.weights={tmp_path}/train/network-last.safetensors",
        "detector._target_=insetgan.detection.detector.FixedBoxes", "~detector.network", "+detector.boxes.face=[4,4,20,20]",
        "seeds=0", f"out={tmp_path}/refined",
    )  # fmt: skip
    assert code == 0, errors
    sample = json.loads((tmp_path / "refined" / "results.json").read_text())["samples"][0]
    assert sample["status"] == "ok"
    images = sorted((tmp_path / "refined").rglob("*.png"))
    assert any(Image.open(path).size == (width, height) for path in images)


@pytest.mark.parametrize(
    ("height", "width", "recipe"), [(6, 6, "small"), (20, 12, "small"), (12, 20, "small"), (40, 24, "projected")]
)
def test_every_size_is_measured_by_parts_net(height, width, recipe, train, small, photos, tmp_path):
    code, text, errors = train(
        "+model=body",
        f"recipe={recipe}",
        *photos(height, width),
        *small,
        "trainer.max_kimg=0.004",
        f"out={tmp_path}/run",
    )
    assert (code, errors) == (0, ""), errors
    assert "frechet_parts" in text


def test_a_size_too_small_for_a_critic_is_one_line(train, small, photos, tmp_path, assert_one_line):
    result = train("+model=body", "recipe=projected", *photos(20, 12), *small, f"out={tmp_path}/run")
    assert_one_line(
        result,
        "error: recipe.discriminator: scales=[1, 2, 3, 4], enlarge=1: images 20 x 12 are too small for the coarsest",
    )


def test_a_size_that_no_network_has_is_one_line_with_one_that_some_have(train, small, people, assert_one_line):
    result = train("+model=body", people, "data.height=50", "data.width=25", *small, "features=none")
    assert_one_line(result, "error: data.height=50, data.width=25: must be two whole numbers from 3 up")
    assert "such as 48 x 24" in result[2]
