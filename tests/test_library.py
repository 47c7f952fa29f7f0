"""The library: its page runs, its images are those of refine.py, and wrong arguments are one line."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import insetgan
from insetgan.networks import Generator
from insetgan.ops.images import to_uint8

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "library.md").read_text(), re.DOTALL)
TINY = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 64, "channel_max": 8}


@pytest.fixture(scope="module")
def toys():
    """A body and a face with random weights, and the detector that is told where the face is."""
    torch.manual_seed(1)
    body, face = Generator(height=32, width=16, **TINY), Generator(height=16, width=16, **TINY)
    return body.eval().requires_grad_(False), face.eval().requires_grad_(False)


FIXED = insetgan.FixedBoxes({"face": [5, 4, 11, 10]})


@pytest.mark.parametrize("block", BLOCKS)
def test_the_page_runs(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "steps=300" in block
    exec(compile(block.replace("steps=300", "steps=1"), "library.md", "exec"), {})


def test_the_first_block_is_ten_lines_and_writes_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(BLOCKS) == 3 and len(BLOCKS[0].strip().splitlines()) <= 10
    names = {}
    exec(BLOCKS[0].replace("steps=300", "steps=1"), names)
    assert Image.open("people.png").size == (2 * 130 - 2, 256)
    assert names["people"].shape == names["composition"].images.shape == (2, 3, 256, 128)
    # Nothing was changed before the first step: the start canvas is what `draw` gives.
    torch.testing.assert_close(names["composition"].result.start_canvas, names["people"], atol=1e-4, rtol=0)


def test_the_page_names_everything():
    text = (ROOT / "docs" / "library.md").read_text()
    assert not [name for name in insetgan.__all__ if not name.startswith("_") and f"`{name}" not in text]


def test_import_is_lazy_and_complete():
    code = (
        "import insetgan, sys; assert 'torch' not in sys.modules and 'hydra' not in sys.modules; dir(insetgan)\n"
        "assert 'torch' not in sys.modules; [getattr(insetgan, name) for name in insetgan.__all__]\n"
        "assert 'torch' in sys.modules and not {'hydra', 'omegaconf', 'pytorch_lightning'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'compse'"):
        _ = insetgan.compse


def test_draw_is_the_generator_on_seeded_latents(toys):
    z = torch.from_numpy(np.random.RandomState(5).randn(1, 8)).float()
    torch.testing.assert_close(insetgan.draw(toys[0], 5, 0.5), toys[0].draw(toys[0].mapping(z, truncation_psi=0.5)))
    both = insetgan.draw(toys[0], np.array([5, 6]))
    assert both.shape == (2, 3, 32, 16) and not torch.equal(both[0], both[1])


def test_without_steps_the_composite_is_the_naive_paste(toys):
    found = insetgan.compose(toys[0], {"face": toys[1]}, [3], detector=FIXED, steps=0)
    body, face = (insetgan.draw(generator, 3, 0.7) for generator in toys)
    x0, y0, x1, y1 = found.measures[0]["box"]["face"]
    outside = torch.ones(32, 16, dtype=torch.bool)
    outside[y0:y1, x0:x1] = False
    assert torch.equal(found.images[0][:, outside], body[0][:, outside])
    assert torch.equal(found.images, found.result.paste) and torch.equal(found.result.insets["face"], face)
    assert found.seams["face"] == [found.measures[0]["seam_before"]["face"]]
    figures = insetgan.measure(found)
    assert figures["seam_after"] == found.seams["face"][0] and figures["samples"] == 1 and figures["body_change"] == 0


def test_steps_lower_the_objective_and_are_seen(toys):
    seen = []
    found = insetgan.compose(
        toys[0], {"face": toys[1]}, [3, 4], detector=FIXED, steps=20, on_step=lambda step: seen.append(step.index)
    )
    assert seen == list(range(20))
    assert (found.result.total < found.result.curves["total"][:, 0]).all()


def test_the_objective_takes_weights_and_leaves_families_out():
    plain, other = insetgan.objective(), insetgan.objective(exclude=["reg", "border_edge"], border_l1=25)
    assert "part_l1" not in plain.terms and plain.terms["border_l1"].weight == 150
    assert other.terms["border_l1"].weight == 25 and {"part_l1", "body_l1"} <= set(other.terms)
    assert not {"border_edge", "mean_canvas", "offset_inset"} & set(other.terms)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"seeds": []}, "seeds=.*at least one"),
        ({"seeds": [-1]}, "seeds=.*2.32 - 1"),
        ({"seeds": ["a"]}, "seeds=.*whole numbers"),
        ({"psi": 3.0}, "psi=3.0: must be between 0"),
        ({"psi": [0.5] * 99}, "give one value, or up to one a layer"),
        ({"blend": "mask"}, "blend=mask: must be one of paste, feather"),
        ({"steps": 3, "schedule": insetgan.Schedule(steps=5)}, "steps=3: the schedule has its own steps=5"),
        ({"insets": {}}, "insets: must name"),
        ({"insets": {"nose": None}}, "insets: nose is unknown; the detector knows face"),
    ],
)
def test_mistakes_are_one_line(toys, arguments, said):
    given = {"insets": {"face": toys[1]}, "detector": FIXED, **({} if "schedule" in arguments else {"steps": 1})}
    with pytest.raises(insetgan.UserError, match=said) as caught:
        insetgan.compose(toys[0], **{**given, **arguments})
    assert "\n" not in str(caught.value)


def test_further_mistakes(tmp_path):
    with pytest.raises(insetgan.UserError, match="holds parts, expected generator"):
        insetgan.load("parts")
    with pytest.raises(insetgan.UserError, match="label=1: this generator has no labels"):
        insetgan.load("face", label=1)
    with pytest.raises(insetgan.UserError, match="no boder_l1; terms are coarse_l1"):
        insetgan.objective(boder_l1=3)
    with pytest.raises(insetgan.UserError, match=r"weight=-1: must be"):
        insetgan.objective(border_l1=-1)
    with pytest.raises(insetgan.UserError, match=r"must be \[n, 3, height, width\]"):
        insetgan.sheet(torch.zeros(3, 4, 4))


@pytest.mark.slow
def test_the_images_are_those_of_refine_py(tmp_path):
    subprocess.run(
        [sys.executable, ROOT / "refine.py", "seeds=0-1", "steps=12", "batch_size=2", f"out={tmp_path}/run"],
        check=True,
        cwd=tmp_path,
    )
    ours = insetgan.compose(insetgan.load("body"), {"face": insetgan.load("face")}, [0, 1], steps=12)
    for index, image in enumerate(to_uint8(ours.images).numpy()):
        theirs = np.asarray(Image.open(tmp_path / "run" / "samples" / f"{index}_refined.png"))
        assert np.abs(image.astype(int) - theirs).max() <= 1
