"""train.py +model=composer and refine.py solver=onepass and hybrid as a user runs them, on tiny networks."""

import json

import numpy as np
import pytest
from PIL import Image

from insetgan.weights.store import load_network, read_metadata


@pytest.fixture
def settings(tiny_networks, tmp_path):
    """Overrides of train.py: a tiny composer of the tiny networks."""
    body, face = (tiny_networks[name].partition("=")[2] for name in ("canvas", "face"))
    refine = ",".join(f"'{tiny_networks[name]}'" for name in ("detector", "perceptual"))
    return [
        "+model=composer", f"canvas={body}", "parts=[face]", f"parts.face.weights={face}", "batch_size=2", "grid=2",
        f"model.module.refine=[{refine},'perceptual=parts_net']", "model.module.composer.channels=4",
        "model.module.composer.channels_max=8", "model.module.composer.hidden=8", "model.module.composer.rank=2",
        "model.module.composer.passes=2", "trainer.num_threads=1", "trainer.precision=32-true", "lr=0.05",
        "model.validation.count=2", f"out={tmp_path}/composer",
    ]  # fmt: skip


def images(out, which="refined"):
    return [np.array(Image.open(path)) for path in sorted((out / "samples").glob(f"*_{which}.png"))]


def test_a_composer_is_trained_and_then_refines(train, refine, settings, tmp_path):
    code, output, errors = train(*settings, "trainer.max_kimg=0.006", "tick_kimg=0.002", "snapshot_kimg=0.002")
    assert (code, errors) == (0, "") and "pairs of canvas, face" in output and "Objective/joint_2" in output
    path = tmp_path / "composer" / "composer-last.safetensors"
    assert load_network(path).passes == 2 and read_metadata(path)["kimg"] == pytest.approx(0.006)
    assert "Held_out/joint_2" in (tmp_path / "composer" / "metrics.csv").read_text()

    def refined(name, *overrides):
        out = tmp_path / name
        code, _, errors = refine("seeds=0-2", "trainer.precision=32-true", f"out={out}", *overrides)
        assert (code, errors) == (0, "")
        return out

    def same(one, other):
        pairs = list(zip(images(one), images(other), strict=True))
        return len(pairs) == 3 and all(np.abs(a.astype(int) - b).max() <= 1 for a, b in pairs)

    given = f"composer={path}"
    one = refined("one", "solver=onepass", "steps=0", given)
    results = json.loads((one / "results.json").read_text())
    assert [sample["steps"] for sample in results["samples"]] == [0, 0, 0] and results["solver"] == "onepass"
    assert any((a != b).any() for a, b in zip(images(one), images(one, "paste"), strict=True))
    assert same(one, refined("alone", "solver=onepass", "steps=0", given, "batch_size=1"))
    assert same(one, refined("none", "solver=hybrid", given, "steps=0"))
    polished = json.loads((refined("polished", "solver=hybrid", given, "steps=4") / "results.json").read_text())
    for sample, before in zip(polished["samples"], results["samples"], strict=True):
        assert sample["steps"] == 4 and sample["objective"] <= before["objective"] * (1 + 1e-4)
        assert sample["seam_before"] == before["seam_before"]

    code, _, errors = refine(
        "seeds=[0,2]", "walk=3", "solver=onepass", "steps=0", given, "trainer.precision=32-true", f"out={tmp_path}/walk"
    )
    assert (code, errors) == (0, "")
    ours, alone = (np.array(Image.open(each / "samples" / "0_refined.png")) for each in (tmp_path / "walk", one))
    assert np.abs(ours.astype(int) - alone).max() <= 1, "a walk begins with what its first seed comes to by itself"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["solver=onepass", "steps=0"], "solver=onepass: no embedded composer knows these generators"),
        (["solver=hybrid", "composer=nowhere.safetensors"], "no file"),
        (["solver=onepass", "steps=5"], "steps=5: solver=onepass makes none"),
        (["composer=x.safetensors"], "composer=x.safetensors: has no effect with solver=steps"),
        (["solver=onepass", "steps=0", "video=true"], "video=true: there are no steps to film"),
        (["solver=twopass"], "solver/twopass: no such choice"),
    ],
)
def test_mistakes_are_one_line(refine, tmp_path, overrides, said):
    code, _, errors = refine("seeds=0", f"out={tmp_path}/out", *overrides)
    assert code == 2 and said in errors and len(errors.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"canvas=": None}, "canvas is not given: add canvas=body"),
        ({"canvas=": "canvas=parts"}, "canvas=parts: holds parts, expected generator"),
        ({"parts=": None, "parts.face": None}, "needs canvas= and parts="),
        ({"model.modes": "model.modes=[]"}, "must name a mode"),
        ({"model.modes": "model.modes=[nonsense]"}, "nonsense"),
        ({"model.module.refine": 'model.module.refine=["solver=hybrid"]'}, "solver is not for refine= to set here"),
    ],
)
def test_mistakes_in_training_are_one_line(train, settings, changes, said):
    kept = [each for each in settings if not any(each.startswith(key) for key in changes)]
    code, _, errors = train(*kept, *(change for change in changes.values() if change))
    assert code == 2 and said in errors and len(errors.strip().splitlines()) == 1, errors
