"""Stores that heal: whatever happens to a file of a finished run, the same command makes it what it was."""

import errno
import os
import resource
import shutil
import tempfile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from insetgan.cli.evaluate_run import LAYOUT as EVALUATIONS
from insetgan.completion.folder import LAYOUT, Completion, Completions
from insetgan.data.archive import Archive
from insetgan.data.check import check_images
from insetgan.data.writer import ArchiveWriter, encode_image
from insetgan.evaluation.feature_folder import Described, FeatureFolder
from insetgan.evaluation.real import RealFeatures, read_statistics
from insetgan.refine.latent_file import read_codes
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.store import ResultFolder
from insetgan.training.checkpoint import read_checkpoint

PIECES = (".json", ".safetensors", "_canvas.png", "_paste.png", "_refined.png")


def cut(path, other):
    path.write_bytes(path.read_bytes()[:-1])


def empty(path, other):
    path.write_bytes(b"")


def flip(path, other):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def delete(path, other):
    path.unlink()


def replace(path, other):
    shutil.copy(other, path)


HARM = (cut, empty, flip, delete, replace)


def contents(folder):
    """Bytes of all files, but for the lock and the log, which each command adds to."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock" and path.suffix != ".log")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("harm", HARM)
def test_a_refinement_heals_whatever_file_is_harmed(refine, tmp_path, harm):
    run = ("seeds=0-5", "batch_size=1", f"out={tmp_path}/run", "schedule.block=1")
    assert refine(*run)[0] == 0
    whole = contents(tmp_path / "run")
    samples = tmp_path / "run" / "samples"
    for seed, piece in enumerate(PIECES):  # another piece of each sample; sample 5 stays whole
        harm(samples / f"{seed}{piece}", samples / f"5{piece}")
    for name in sorted(whole):
        if not name.startswith("samples") and harm is not replace:
            harm(tmp_path / "run" / name, None)
    code, text, errors = refine(*run)
    assert (code, errors) == (0, "")
    assert "5 refined" in text, "and the whole one is not made again"
    assert contents(tmp_path / "run") == whole


def test_a_folder_that_is_removed_midway_ends_in_one_line(refine, assert_one_line, tmp_path, monkeypatch):
    from insetgan.refine.refined_samples import RefinedSamples

    add = RefinedSamples.add

    def add_and_lose(self, *arguments):
        add(self, *arguments)
        shutil.rmtree(self.folder.path)

    monkeypatch.setattr(RefinedSamples, "add", add_and_lose)
    run = ("seeds=0-1", "batch_size=1", f"out={tmp_path}/run")
    assert_one_line(refine(*run), "the folder was removed while this command wrote to it; give the command again")
    assert_one_line(refine("seeds=0", f"out={tmp_path}/run"), "result 0 is missing or damaged")


def test_a_full_disk_names_the_file_and_the_run_goes_on_later(refine, assert_one_line, tmp_path):
    run = ("seeds=0", f"out={tmp_path}/run")
    assert refine(*run)[0] == 0
    whole = contents(tmp_path / "run")
    (tmp_path / "run/samples/0_canvas.png").unlink()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        result = refine(*run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_one_line(result, f"error: {tmp_path}/run/config.yaml: {os.strerror(errno.EFBIG)}")
    assert not list(tmp_path.rglob("*.tmp"))
    assert refine(*run)[0] == 0
    assert contents(tmp_path / "run") == whole


def test_overwrite_redoes_what_is_finished(refine, tmp_path):
    run = ("seeds=0", f"out={tmp_path}/run")
    assert refine(*run)[0] == 0
    whole = contents(tmp_path / "run")
    assert "finished before" in refine(*run)[1]
    code, text, _ = refine(*run, "overwrite=true")
    assert code == 0 and "1 refined" in text
    again = contents(tmp_path / "run")
    assert {name for name in whole if whole[name] != again[name]} == {"config.yaml", "report.html", "results.json"}


def test_a_folder_of_the_version_before_is_refused_by_name_and_still_read(refine, assert_one_line, tmp_path):
    assert refine("seeds=0-1", f"out={tmp_path}/old")[0] == 0
    (tmp_path / "old/settings.txt").write_text("0123456789abcdef" * 4)  # version 0.1.0 wrote no more than this,
    for record in (tmp_path / "old/samples").glob("*.json"):  # and had no records
        record.unlink()
    before = contents(tmp_path / "old")
    said = "holds results of an earlier version, which this one cannot go on with; choose another folder, or replace"
    assert_one_line(refine("seeds=0-1", f"out={tmp_path}/old"), said)
    assert contents(tmp_path / "old") == before
    for source in ("old", "old/latents.safetensors"):
        assert refine("seeds=0-1", f"out={tmp_path}/new-{len(source)}", f"resume_from={tmp_path}/{source}")[0] == 0
    codes = read_codes(f"{tmp_path}/old", "canvas", [0, 1], key="start")
    stacked = load_file(tmp_path / "old/latents.safetensors")["canvas.shared"]
    assert torch.equal(torch.stack([codes[seed]["shared"] for seed in (0, 1)]), stacked)


def test_a_damaged_sample_is_not_gone_on_from(refine, assert_one_line, tmp_path):
    assert refine("seeds=0", f"out={tmp_path}/run")[0] == 0
    flip(tmp_path / "run/samples/0.safetensors", None)
    result = refine("seeds=0", f"out={tmp_path}/new", f"resume_from={tmp_path}/run")
    assert_one_line(result, f"resume_from={tmp_path}/run: sample 0 is damaged; the command that made it makes it again")


def test_a_folder_of_evaluations_of_the_version_before_goes_on(tmp_path):
    for name in ("evaluations.txt", "table/results.json", "runs/joint-0.7-01234567/settings.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("old")
    with ResultFolder(tmp_path, fingerprint("evaluations"), EVALUATIONS).open():
        pass
    assert (tmp_path / "table/results.json").read_text() == "old"


@pytest.mark.parametrize("harm", [cut, empty, flip])
def test_harmed_statistics_of_real_images_are_refused(tmp_path, harm):
    path = tmp_path / "real.safetensors"
    real = RealFeatures("real", {"body": torch.randn(40, 3)}, {"body": 0})
    path.write_bytes(real.content({"body": "view"}))
    kept = read_statistics(str(path), None, {"body": "view"})
    assert torch.equal(kept.side("body", "fid"), real.features["body"])
    harm(path, None)
    with pytest.raises(UserError, match=r"must be a whole real\.safetensors"):
        read_statistics(str(path), None, {"body": "view"})


def test_a_change_of_a_weights_file_is_noticed(refine, tiny, assert_one_line, tmp_path):
    run = ("seeds=0", f"out={tmp_path}/run")
    path = next(override for override in tiny if override.startswith("perceptual")).partition("=")[2]
    shutil.copy(path, tmp_path / "parts.safetensors")
    copied = f"perceptual.name_or_path={tmp_path}/parts.safetensors"
    assert refine(*run, copied)[0] == 0
    assert "finished before" in refine(*run, copied)[1]
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    changed = {name: tensor * 2 for name, tensor in load_file(path).items()}
    save_file(changed, tmp_path / "parts.safetensors", metadata=header)
    assert_one_line(refine(*run, copied), "holds results of other settings")


@pytest.mark.parametrize("harm", HARM)
def test_completions_heal(tmp_path, harm):
    folder = ResultFolder(tmp_path, fingerprint("settings"), LAYOUT)
    images = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    known = (torch.rand(4, 1, 8, 8) > 0.5).float()
    every = [Completion(index, f"{index}.png", 7) for index in range(4)]
    completions = Completions(folder)
    with folder.open():
        for row, each in enumerate(every):
            assert not completions.finished(each, images[row], known[row])
            completions.add(each, images[row].permute(1, 2, 0), images[row], known[row])
    whole = contents(tmp_path)
    for row, ending in enumerate((".json", ".png", "-known.png")):
        harm(tmp_path / f"samples/{every[row].name}{ending}", tmp_path / f"samples/{every[3].name}{ending}")
    with folder.open():
        finished = [completions.finished(each, images[row], known[row]) for row, each in enumerate(every)]
        assert finished == [False, False, False, True]
        for row, each in enumerate(every[:3]):
            completions.add(each, images[row].permute(1, 2, 0), images[row], known[row])
    assert contents(tmp_path) == whole
    assert not completions.finished(every[3], images[3], 1 - known[3]), "another hole"
    assert not completions.finished(every[3], images[2], known[3]), "another image"


@pytest.mark.parametrize("harm", HARM)
def test_features_heal(tmp_path, harm):
    features = FeatureFolder(tmp_path, fingerprint("settings"))
    features.folder.claim()
    blocks = [[0, 1], [2, 3], [4, 5]]

    def describe(block):
        values = torch.tensor(block).float()[:, None]
        features.add(block, Described({"body": values}, {"body": values[:, 0] > 0}, {}))

    for block in blocks:
        describe(block)
    whole = contents(tmp_path)
    harm(tmp_path / "00000000.json", tmp_path / "00000004.json")
    harm(tmp_path / "00000002.safetensors", tmp_path / "00000004.safetensors")
    assert [features.finished(block) for block in blocks] == [False, False, True]
    with pytest.raises(UserError, match="the same command makes it again"):
        features.gather(blocks)
    for block in blocks[:2]:
        describe(block)
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("harm", HARM)
def test_an_archive_that_is_being_written_heals(tmp_path, harm):
    names = [f"00000/img0000000{index}.png" for index in range(3)]

    def add(writer, *rows):
        for row in rows:
            image = np.full((8, 8, 3), row, np.uint8)
            writer.add(names[row], encode_image(image, "png", 0), {"face": None}, {})

    def new(name):
        return ArchiveWriter(tmp_path / name, size=(8, 8), parts=("face",), recipe={"seed": 0})

    with new("whole.zip") as writer:
        add(writer, 0, 1, 2)
    writer = new("a.zip").open()
    add(writer, 0, 1, 2)
    images, records = (sorted(writer.folder.glob(f"*{ending}")) for ending in (".png", ".json"))
    harm(images[0], images[2])
    harm(records[1], records[2])
    with pytest.raises(UserError, match="the same command makes it again"):
        writer.close(names)
    with new("a.zip") as again:
        assert [again.has(name) for name in names] == [False, False, True]
        add(again, 0, 1)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "whole.zip").read_bytes()


@pytest.mark.parametrize("harm", HARM)
def test_what_is_remembered_of_a_check_heals(tmp_path, monkeypatch, harm):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("insetgan.data.check.WORTH_REMEMBERING", 0.0)
    for name, size in (("set", 8), ("other", 16)):
        (tmp_path / name).mkdir()
        for index in range(2):
            Image.new("RGB", (size, size), (index, 0, 0)).save(tmp_path / name / f"{index}.png")
        assert not check_images(Archive(tmp_path / name), target=(8, 8))
    (mine,), (other,) = ((tmp_path / "cache/insetgan/checked").glob(f"{name}-*.json") for name in ("set", "other"))
    whole = mine.read_bytes()
    harm(mine, other)
    assert not check_images(Archive(tmp_path / "set"), target=(8, 8))
    assert mine.read_bytes() == whole


def test_a_checkpoint_needs_no_other_folder_than_its_own(train, body, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/proc/nowhere")
    monkeypatch.setenv("TMPDIR", "/proc/nowhere")
    code, _, errors = train(*body, f"out={tmp_path}/run", "trainer.max_kimg=0.004")
    assert (code, errors) == (0, "")
    checkpoint = tmp_path / "run/last.ckpt"
    whole = checkpoint.read_bytes()
    for harm in (cut, empty, flip):  # flip changes a tensor, which torch.load would take
        checkpoint.write_bytes(whole)
        assert read_checkpoint(checkpoint)
        harm(checkpoint, None)
        with pytest.raises(UserError, match="cut short, damaged, or not written"):
            read_checkpoint(checkpoint)


def test_a_disk_that_is_full_for_a_checkpoint_is_named(train, body, assert_one_line, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        result = train(*body, f"out={tmp_path}/run", "trainer.max_kimg=0.004", "features=none")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_one_line(result, f"error: {tmp_path}/run/last.ckpt: {os.strerror(errno.EFBIG)}")
    assert not (tmp_path / "run/last.ckpt").exists()
    assert not list(tmp_path.rglob("*.tmp"))
