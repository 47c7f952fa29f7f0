"""Gathering: every file has its reason, a half-made set goes on, and what was made stays."""

import csv

import numpy as np
import pytest
import torch
from PIL import Image

from insetgan.data.archive import Archive
from insetgan.data.reading import Reading
from insetgan.preparation import gather as module
from insetgan.preparation.gather import Made, gather
from insetgan.preparation.inputs import find_inputs, read_photo
from insetgan.preparation.source import Task
from insetgan.preparation.verdict import Rejected
from insetgan.runtime.errors import UserError


class Bright:
    """Keeps bright images, as one colour of 8 x 4 with a box."""

    def make(self, photo, name):
        value = int(photo.pixels.float().mean())
        if value < 50:
            raise Rejected(f"too dark: {value}")
        mask = np.zeros((8, 4), bool)
        mask[2:4, 1:3] = True
        return Made(np.full((8, 4, 3), value, np.uint8), {"face": (1, 2, 3, 4)}, {"face": mask}, {"face": 0.5})


class Fails(Bright):
    def make(self, photo, name):
        raise RuntimeError("a fault of ours")


@pytest.fixture
def folder(tmp_path):
    """Six files: three that are kept, one that is dark, one broken, one of another kind."""
    path = tmp_path / "in"
    path.mkdir()
    generator = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        Image.fromarray(generator.integers(100, 255, (40, 30, 3), np.uint8)).save(path / f"{name}.png")
    Image.new("RGB", (40, 30)).save(path / "dark.png")
    (path / "broken.jpg").write_bytes(b"no image")
    (path / "notes.txt").write_text("no image")
    return path


def run(folder, maker=None, **task):
    out = task.pop("out", folder.parent / "out.zip")
    settings = task.pop("settings", {})
    duplicates = task.pop("duplicates", "drop")
    return gather(
        Task(folder, out, workers=1, image_format="png", **task), maker or Bright(), name="bright", parts=("face",),
        size=(8, 4), settings=settings, duplicates=duplicates,
    )  # fmt: skip


def test_what_is_kept_is_an_archive_and_the_rest_has_reasons(folder, tmp_path):
    lines = run(folder)
    archive = Archive(tmp_path / "out.zip")
    assert (len(archive), archive.size, archive.parts) == (3, (8, 4), ("face",))
    assert archive.boxes(0) == {"face": (1, 2, 3, 4)} and archive.mask(0, "face").sum() == 4
    rows = {row["file"]: row for row in csv.DictReader((tmp_path / "out.csv").open())}
    assert set(rows) == {"a.png", "b.png", "c.png", "dark.png", "broken.jpg"}
    assert rows["dark.png"]["reason"] == "too dark: 0" and rows["dark.png"]["kept"] == "no"
    assert rows["broken.jpg"]["reason"] == "no whole PNG, JPEG or WebP by its content"
    assert rows["a.png"]["kept"] == "yes" and rows["a.png"]["face"] == "0.50"
    assert archive.image(0)[0, 0, 0] == int(np.array(Image.open(folder / "a.png")).mean())
    assert rows["a.png"]["image"] == archive.names[0]
    assert any(line == "1 dropped: too dark, the first dark.png" for line in lines)
    assert "out.zip: 3 of 5 files became images of 8 x 4" in lines[-1]
    sheet = Image.open(tmp_path / "out.jpg")
    assert sheet.width > 1000 and sheet.height > 400
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out.csv", "out.jpg", "out.zip"]


def test_the_same_again_is_already_made_and_other_files_or_settings_are_refused(folder, tmp_path):
    run(folder)
    before = (tmp_path / "out.zip").read_bytes()
    assert "already made, 3 images" in run(folder, Fails())[-1]
    for change in ({"settings": {"more": 1}}, {"duplicates": "keep"}, {"reading": Reading(grey="rgb")}, {"limit": 2}):
        with pytest.raises(UserError, match="exists already"):
            run(folder, **change)
    Image.new("RGB", (9, 9), (255, 0, 0)).save(folder / "d.png")
    with pytest.raises(UserError, match="exists already"):
        run(folder)
    assert (tmp_path / "out.zip").read_bytes() == before
    run(folder, overwrite=True)
    assert len(Archive(tmp_path / "out.zip")) == 4


def test_what_was_looked_at_is_not_looked_at_again(folder, tmp_path, monkeypatch):
    looked = []
    one = module._one

    def stops(job, index):
        if len(looked) == 3:
            raise KeyboardInterrupt
        looked.append(job.inputs.names[index])
        one(job, index)

    monkeypatch.setattr(module, "_one", stops)
    with pytest.raises(KeyboardInterrupt):
        run(folder)
    assert looked == ["a.png", "b.png", "broken.jpg"] and not (tmp_path / "out.zip").exists()
    monkeypatch.setattr(module, "_one", lambda job, index: (looked.append(job.inputs.names[index]), one(job, index)))
    seen = []
    run(folder, on_progress=lambda done, total: seen.append((done, total)))
    assert looked == ["a.png", "b.png", "broken.jpg", "c.png", "dark.png"]
    assert seen == [(3, 5), (4, 5), (5, 5)]
    run(folder, out=tmp_path / "whole.zip")
    assert (tmp_path / "whole.zip").read_bytes() == (tmp_path / "out.zip").read_bytes()


def test_a_lost_image_is_made_again(folder, tmp_path, monkeypatch):
    one = module._one
    monkeypatch.setattr(module, "write_csv", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(folder)
    monkeypatch.undo()
    next((tmp_path / "out.zip.partial").glob("*.png")).unlink()
    made = []
    monkeypatch.setattr(module, "_one", lambda job, index: (made.append(index), one(job, index)))
    run(folder)
    assert len(made) == 1 and len(Archive(tmp_path / "out.zip")) == 3


def test_faults_of_ours_are_not_hidden_as_faults_of_files(folder):
    with pytest.raises(RuntimeError, match="a fault of ours"):
        run(folder, Fails())


def test_no_input_is_replaced(folder, tmp_path):
    (folder / "set.jpg").write_bytes(b"mine")
    for out in (folder / "set.zip", folder / "sub" / "set.zip"):
        with pytest.raises(
            UserError, match=r"set.zip: would be written among the files of data.input=.*; give a place outside"
        ):
            run(folder, out=out)
    with pytest.raises(UserError, match="would be written among"):
        run(folder / "set.jpg", out=folder / "set.zip")
    assert (folder / "set.jpg").read_bytes() == b"mine"


def test_where_nothing_is_kept_one_line_says_why_and_the_table_stays(folder, tmp_path):
    for name in ("a", "b", "c"):
        (folder / f"{name}.png").unlink()
    with pytest.raises(UserError, match=r"none of 2 files can be used \(broken.jpg: no whole PNG.*out.csv"):
        run(folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out.csv", "out.jpg"]


def test_copies_are_dropped(folder, tmp_path):
    Image.open(folder / "a.png").resize((60, 80)).save(folder / "z.webp", quality=90)
    run(folder)
    rows = {row["file"]: row for row in csv.DictReader((tmp_path / "out.csv").open())}
    assert rows["z.webp"]["reason"] == "looks like a.png" and len(Archive(tmp_path / "out.zip")) == 3
    run(folder, out=tmp_path / "all.zip", duplicates="keep")
    assert len(Archive(tmp_path / "all.zip")) == 4


def test_files_of_all_kinds_are_read_as_they_are(tmp_path):
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 255, (30, 20, 3), np.uint8)
    image = Image.fromarray(pixels)
    image.convert("CMYK").save(tmp_path / "cmyk.jpg")
    image.convert("P").save(tmp_path / "palette.png")
    image.convert("L").save(tmp_path / "grey.png")
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    image.save(tmp_path / "animated.webp", save_all=True, append_images=[image.rotate(90)], lossless=True)
    image.save(tmp_path / "truth.bmp")
    whole = tmp_path / "whole.png"
    image.save(whole)
    (tmp_path / "short.png").write_bytes(whole.read_bytes()[:-200])
    whole.rename(tmp_path / "写真.jpg")
    (tmp_path / "empty.jpg").touch()
    read, reasons = {}, {}
    inputs = find_inputs(tmp_path)
    for name in inputs.names:
        try:
            read[name] = read_photo(tmp_path / name, Reading())
        except ValueError as error:
            reasons[name] = str(error)
    assert set(read) == {"cmyk.jpg", "palette.png", "animated.webp", "写真.jpg"}
    assert all(photo.shape == (30, 20) and photo.pixels.shape == (3, 30, 20) for photo in read.values())
    for name in ("animated.webp", "写真.jpg"):
        assert torch.equal(read[name].pixels, torch.from_numpy(pixels).permute(2, 0, 1))
    assert "are CMYK and become RGB" in read["cmyk.jpg"].notes[0]
    assert reasons["grey.png"] == reasons["deep.png"] == "greyscale; data.grey=rgb takes greyscale"
    assert reasons["truth.bmp"] == "no whole PNG, JPEG or WebP by its content"
    assert "truncated" in reasons["short.png"] and reasons["empty.jpg"] == "is empty"
    assert read_photo(tmp_path / "deep.png", Reading(grey="rgb")).pixels.shape == (3, 30, 20)


def test_inputs_that_are_none_are_one_line(tmp_path):
    with pytest.raises(UserError, match="no such file or folder"):
        find_inputs(tmp_path / "none")
    with pytest.raises(UserError, match="holds no images; it is empty"):
        find_inputs(tmp_path)
    (tmp_path / ".hidden.png").touch()
    with pytest.raises(UserError, match="holds no images; 1 files passed over"):
        find_inputs(tmp_path)
