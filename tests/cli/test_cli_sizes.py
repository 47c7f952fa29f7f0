"""Any height and width, from photographs to a composite: sizes that are not 4 times a power of two."""

import json

import numpy as np
import pytest
from PIL import Image

from insetgan.weights.store import load_network


@pytest.mark.parametrize(("height", "width"), [(96, 160), (48, 36)])
def test_a_canvas_of_another_size_is_trained_and_refined(height, width, train, refine, small, tmp_path):
    (tmp_path / "photos").mkdir()
    for index in range(4):
        pixels = np.random.default_rng(index).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{index}.png")
    code, _, errors = train(
        "+model=body", f"data.path={tmp_path}/photos", f"data.height={height}", f"data.width={width}", *small,
        "features=none", "trainer.max_kimg=0.004", f"out={tmp_path}/train",
    )  # fmt: skip
    assert code == 0, errors
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


def test_a_size_that_no_network_has_is_one_line_with_one_that_some_have(train, small, people, assert_one_line):
    result = train("+model=body", people, "data.height=50", "data.width=25", *small, "features=none")
    assert_one_line(result, "height=50, width=25: must be two whole numbers from 3 up")
    assert "such as 48 x 24" in result[2]
