"""refine.py shards=: what a user of one machine and of a cluster does, on tiny networks."""

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from safetensors.torch import load

from insetgan.cli.app import entry
from insetgan.refine.module import RefinementModule
from insetgan.refine.shards import Shards
from insetgan.reports.sweep_runs import read_run
from insetgan.runtime.claims import Claims

ROOT = Path(__file__).resolve().parents[2]
SIX = ["seeds=0-5", "shards=3", "batch_size=2"]


@pytest.fixture(scope="module")
def made(tiny, tmp_path_factory):
    """Three shards of two samples, made by one command; not to be written to."""
    out = tmp_path_factory.mktemp("shards") / "one"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(ROOT / "refine.py"), *tiny, "steps=4", *SIX, f"out={out}"])
        entry("refine")
    return out


@pytest.fixture
def copy(made, tmp_path):
    """The same, to be written to."""
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


def tars(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "shards").glob("*.tar"))}


def members(folder, shard):
    with tarfile.open(folder / "shards" / shard) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}


def test_samples_are_those_of_a_plain_run(refine, made, tmp_path):
    out = made
    refine("seeds=0-5", "batch_size=2", f"out={tmp_path}/plain")
    samples, results = tmp_path / "plain" / "samples", json.loads((tmp_path / "plain" / "results.json").read_text())
    for number in range(3):
        held = members(out, f"refine-{number:06d}.tar")
        seeds = (2 * number, 2 * number + 1)
        assert list(held) == [f"{seed}.{kind}" for seed in seeds for kind in ("json", "safetensors", "refined.png")]
        for seed in seeds:
            assert held[f"{seed}.refined.png"] == (samples / f"{seed}_refined.png").read_bytes()
            assert held[f"{seed}.safetensors"] == (samples / f"{seed}.safetensors").read_bytes()
            said = json.loads(held[f"{seed}.json"])
            assert said.pop("best_step") <= 4
            assert said == results["samples"][seed]
    gathered = json.loads((out / "results.json").read_text())
    assert gathered["summary"] == results["summary"] and gathered["count"] == 6
    assert not list((out / ".partial").glob("refine*")), "the folders of samples are gone"


def test_the_index_the_sums_and_the_card(made):
    out = made
    entries = [json.loads(line) for line in (out / "index.jsonl").open()]
    assert [each["seed"] for each in entries] == list(range(6))
    content = tars(out)
    for each in entries:
        offset, size = each["members"]["safetensors"]
        assert "canvas.shared" in load(content[each["shard"]][offset : offset + size])
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=out, capture_output=True, text=True)
    assert checked.stdout.count(": OK") == 3 and checked.returncode == 0
    card = (out / "data_card.md").read_text()
    assert "| ok | 6 | 100.00% |" in card and "refine-{000000..000002}.tar" in card and "{{" not in card


def test_apart_taken_and_damaged(refine, made, tmp_path):
    """Shards that several commands made have the same bytes; a damaged one is made again before they are gathered."""
    out, run = tmp_path / "apart", f"out={tmp_path}/apart"
    with Claims(out / ".claims").take("refine-000001"):
        code, said, _ = refine(*SIX, run, "shard=0-1")
    assert code == 0 and "1 shards made here" in said
    assert (
        "2 of 3 shards are not made: 1 are being made by other commands, of which the last gathers; 1 are left" in said
    )
    assert list(tars(out)) == ["refine-000000.tar"] and not (out / "results.json").exists()
    tar = out / "shards" / "refine-000000.tar"
    content = bytearray(tar.read_bytes())
    content[600] ^= 1
    tar.write_bytes(content)
    code, said, _ = refine(*SIX, run)
    assert code == 0 and "refine-000000.tar: is not what was written, so it is made again" in said
    assert tars(out) == tars(made)
    for name in ("index.jsonl", "sheet.png", "SHA256SUMS"):
        assert (out / name).read_bytes() == (made / name).read_bytes()


def test_what_is_gathered_is_done_and_a_cut_tar_is_made_again(refine, made, copy):
    code, said, _ = refine(*SIX, f"out={copy}")
    assert code == 0 and "0 shards made here" in said and "all 3 shards are made and gathered" in said
    tar = copy / "shards" / "refine-000002.tar"
    tar.write_bytes(tar.read_bytes()[:-512])
    _, said, _ = refine(*SIX, f"out={copy}")
    assert "1 shards made here" in said and tars(copy) == tars(made)


def test_a_killed_command_leaves_its_finished_samples_to_the_next(refine, made, copy, monkeypatch):
    for path in (copy / "shards").glob("refine-000000.*"):
        path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Shards, "pack", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert refine(*SIX, f"out={copy}")[0] != 0
    assert list((copy / ".partial" / "refine-000000" / "samples").glob("1.json"))
    monkeypatch.delattr(RefinementModule, "predict_step")  # nothing is refined again
    assert refine(*SIX, f"out={copy}")[0] == 0
    assert tars(copy) == tars(made)
    assert not list((copy / ".partial").glob("refine*"))


def test_evaluation_and_training_read_the_shards(evaluate, train, small, made, tmp_path):
    """The figures are those of the same images in a folder; parts are cut out by the boxes beside the images."""
    (tmp_path / "images").mkdir()
    for number in range(3):
        for name, content in members(made, f"refine-{number:06d}.tar").items():
            if name.endswith(".png"):
                (tmp_path / "images" / name).write_bytes(content)
    cells = []
    for data in (made / "shards", tmp_path / "images"):
        settings = [
            "method=folder",
            f"method.folder.path={data}",
            f"data.path={data}",
            "name=x",
            f"out={tmp_path}/{data.name}",
        ]
        code, _, errors = evaluate(*settings, "metrics=[fid]", "regions=[body]")
        assert code == 0, errors
        cells.append(json.loads((tmp_path / data.name / "x" / "results.json").read_text())["cells"])
    assert cells[0] == cells[1]
    code, said, errors = train(
        "+model=face", f"data.path={made}/shards", "data.height=16", "data.width=16", *small,
        "trainer.fast_dev_run=true", f"out={tmp_path}/train",
    )  # fmt: skip
    assert code == 0, errors
    assert "6 images" in said


@pytest.mark.parametrize(
    ("override", "said"), [("shard=3", "its shards lie in the folder of all shards"), ("trunc=1", "no results")]
)
def test_the_page_of_a_sweep_says_where_shards_are(tmp_path, override, said):
    note = {"folder": str(tmp_path), "overrides": [override], "state": "completed", "said": ""}
    assert read_run(note).problem == said


def test_masks_and_several_images(refine, tmp_path):
    code, _, errors = refine(
        "seeds=0-1", "shards=1", "composite=mask", "shard_images=[canvas,refined]", f"out={tmp_path}/masks",
    )  # fmt: skip
    assert code == 0, errors
    kinds = {name.partition(".")[2] for name in members(tmp_path / "masks", "refine-000000.tar")}
    assert kinds == {"json", "safetensors", "canvas.png", "refined.png", "mask_face.png"}


def test_other_settings_need_another_folder(refine, copy, assert_one_line):
    before = tars(copy)
    assert_one_line(refine("seeds=0-5", "shards=2", "batch_size=2", f"out={copy}"), "holds shards of other settings")
    with Claims(copy / ".claims").present():
        assert_one_line(
            refine(*SIX, f"out={copy}", "overwrite=true"), "overwrite=true: 1 other commands make shards in"
        )
    assert tars(copy) == before
    code, _, _ = refine("seeds=0-1", "shards=1", f"out={copy}", "overwrite=true")
    assert code == 0 and list(tars(copy)) == ["refine-000000.tar"]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["shards=7"], "shards=7: must be at most the number of samples, 6"),
        (["shard=0"], "shard=0: belongs to shards="),
        (["shards=3", "shard=1-3"], "shard=1-3: must be from 0 to 2, of shards=3"),
        (["shards=3", "walk=2"], "shards=3: goes not with walk="),
        (["shards=3", "trainer.devices=2"], "shards=3: each command takes one device"),
        (["shards=3", "shard_images=[]"], "shard_images"),
        (["shards=3", "shard_images=[photo]"], "shard_images"),
    ],
)
def test_mistakes(refine, tmp_path, assert_one_line, overrides, said):
    assert_one_line(refine("seeds=0-5", *overrides, f"out={tmp_path}/run"), said)
    assert not (tmp_path / "run").exists()
