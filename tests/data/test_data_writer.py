import json
import os
import pickle
import zipfile

import numpy as np
import pytest

from insetgan.data import writer as writing
from insetgan.data.archive import Archive
from insetgan.data.writer import ArchiveWriter, encode_image, image_name
from insetgan.runtime.errors import UserError

PARTS = ("face", "feet")
NAMES = [image_name(i, "png") for i in range(4)]


def image(index):
    """Its bytes, and a mask [16, 8] whose tight box is `box(index)`."""
    rng = np.random.default_rng(index)
    mask = np.zeros((16, 8), bool)
    mask[2 + index : 6 + index, 1:5] = True
    return encode_image(rng.integers(0, 256, (16, 8, 3), dtype=np.uint8), "png", 80), mask


def box(index):
    return (1, 2 + index, 5, 6 + index)


def new(path, seed=0, **options):
    return ArchiveWriter(path, size=(16, 8), parts=PARTS, recipe={"seed": seed}, **options)


def add(writer, *indices):
    for index in indices:
        data, mask = image(index)
        writer.add(NAMES[index], data, {"face": box(index), "feet": None}, {"face": mask})
    return writer


def whole(path):
    """Bytes of the archive of four images written without a break."""
    with new(path) as writer:
        add(writer, 0, 1, 2, 3)
    return path.read_bytes()


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_layout_is_nvidias_and_holds_the_recipe(tmp_path):
    whole(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as raw:
        assert raw.namelist() == [*NAMES, "dataset.json", "annotations.json"]
        assert json.loads(raw.read("dataset.json")) == {"labels": None}
        assert raw.getinfo(NAMES[0]).compress_type == zipfile.ZIP_STORED
        assert raw.read(NAMES[2]) == image(2)[0]
    assert Archive(tmp_path / "a.zip").recipe == {"seed": 0, "count": 4}


def test_an_interrupted_archive_goes_on(tmp_path):
    expected = whole(tmp_path / "whole.zip")
    add(new(tmp_path / "a.zip").open(), 0, 1)  # no close: killed
    assert not (tmp_path / "a.zip").exists()
    with new(tmp_path / "a.zip") as again:
        assert [again.has(name) for name in NAMES] == [True, True, False, False]
        assert again.written() == set(NAMES[:2])
        add(pickle.loads(pickle.dumps(again)), 2, 3)  # another process
    assert (tmp_path / "a.zip").read_bytes() == expected
    assert listing(tmp_path) == ["a.zip", "whole.zip"]


@pytest.mark.parametrize("ending", ["", ".json"])
def test_an_image_with_one_of_its_files_missing_is_made_again(tmp_path, ending):
    expected = whole(tmp_path / "whole.zip")
    writer = add(new(tmp_path / "a.zip").open(), 0, 1)
    next(path for path in writer.folder.iterdir() if path.name.endswith(NAMES[0][-15:] + ending)).unlink()
    with new(tmp_path / "a.zip") as again:
        assert not again.has(NAMES[0])
        add(again, *(index for index in range(4) if not again.has(NAMES[index])))
    assert (tmp_path / "a.zip").read_bytes() == expected


def test_what_a_kill_in_mid_write_left_never_reaches_the_archive(tmp_path):
    expected = whole(tmp_path / "whole.zip")
    writer = add(new(tmp_path / "a.zip").open(), 0, 1, 2)
    for torn in (".0123456789ab.tmp", ".whole"):
        (writer.folder / torn).write_bytes(b"half")
    with new(tmp_path / "a.zip") as again:
        assert again.written() == set(NAMES[:3])
        add(again, 3)
    assert (tmp_path / "a.zip").read_bytes() == expected
    assert listing(tmp_path) == ["a.zip", "whole.zip"]


def dies(*arguments, **options):
    raise KeyboardInterrupt


@pytest.mark.parametrize("at", ["rename to the target", "rename of the folder", "deletion"])
def test_a_kill_while_closing_heals(tmp_path, monkeypatch, at):
    expected = whole(tmp_path / "whole.zip")
    writer = add(new(tmp_path / "a.zip").open(), 0, 1, 2, 3)
    replace = os.replace
    with monkeypatch.context() as patch:
        if at == "deletion":
            patch.setattr(writing.shutil, "rmtree", lambda path, **options: path.exists() and dies())
        else:
            last = writer.path if at == "rename to the target" else writer._waste
            patch.setattr(writing.os, "replace", lambda a, b: dies() if b == last else replace(a, b))
        with pytest.raises(KeyboardInterrupt):
            writer.close()
    again = new(tmp_path / "a.zip")
    if not again.is_made(NAMES):
        assert at == "rename to the target"
        with again:
            assert again.written() == set(NAMES)
    assert (tmp_path / "a.zip").read_bytes() == expected
    assert listing(tmp_path) == ["a.zip", "whole.zip"]


def test_half_a_folder_left_by_an_older_deletion_is_no_obstacle(tmp_path):
    whole(tmp_path / "a.zip")
    (tmp_path / "a.zip.waste").mkdir()
    (tmp_path / "a.zip.waste" / "file").touch()
    with new(tmp_path / "a.zip", seed=1, overwrite=True) as writer:
        add(writer, 0)
    assert listing(tmp_path) == ["a.zip"]


def test_images_of_another_recipe_are_not_mixed_in(tmp_path):
    add(new(tmp_path / "a.zip").open(), 0, 1)
    with pytest.raises(UserError, match=r"a\.zip: holds images of other settings.*overwrite=true"):
        new(tmp_path / "a.zip", seed=1).open()
    assert new(tmp_path / "a.zip").open().written() == set(NAMES[:2])
    other = new(tmp_path / "a.zip", seed=1, overwrite=True).open()
    assert not other.has(NAMES[0])
    assert not other.written()
    add(other, 2)
    assert new(tmp_path / "a.zip", seed=1, overwrite=True).open().has(NAMES[2]), "its own images are kept"


def test_a_folder_that_is_not_a_writers_is_refused(tmp_path):
    (tmp_path / "a.zip.partial").mkdir()
    (tmp_path / "a.zip.partial/recipe.json").write_text("{}")  # of version 0.1.0, or the user's own
    for overwrite in (False, True):
        with pytest.raises(UserError, match=r"a\.zip\.partial holds other files; remove it"):
            new(tmp_path / "a.zip", overwrite=overwrite).open()
    assert listing(tmp_path / "a.zip.partial") == ["recipe.json"]


def test_a_finished_archive_is_known_by_recipe_and_names(tmp_path):
    path = tmp_path / "a.zip"
    assert not new(path).is_made(NAMES)
    whole(path)
    assert new(path).is_made(NAMES)
    assert not new(path, seed=1).is_made(NAMES)
    assert not new(path, overwrite=True).is_made(NAMES), "it is to be made again"
    assert not new(path).is_made(NAMES[:3])
    assert not ArchiveWriter(path, size=(16, 8), parts=("face",), recipe={"seed": 0}).is_made(NAMES)
    path.write_bytes(path.read_bytes()[:200])
    assert not new(path).is_made(NAMES)
    assert listing(tmp_path) == ["a.zip"]


def test_what_stands_there_is_replaced_only_when_asked(tmp_path):
    path = tmp_path / "a.zip"
    before = whole(path)
    with pytest.raises(UserError, match=r"out=.*a\.zip: exists already, made with seed=0 count=4; .*overwrite=true"):
        new(path, seed=1).open()
    (tmp_path / "text.zip").write_text("mine")
    with pytest.raises(UserError, match=r"out=.*text\.zip: exists already, made otherwise"):
        new(tmp_path / "text.zip").open()
    assert path.read_bytes() == before
    assert listing(tmp_path) == ["a.zip", "text.zip"]
    with new(path, seed=1, overwrite=True) as writer:
        add(writer, 0)
        assert path.read_bytes() == before, "stands until the new one is whole"
    assert Archive(path).recipe == {"seed": 1, "count": 1}


@pytest.mark.parametrize("out", ["folder.zip", "file/a.zip", "/proc/none/a.zip", "x" * 250 + ".zip", "a.tar", ""])
def test_a_path_that_cannot_be_written_is_named_before_anything_is_made(tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"^out={out}: "):
        new(out, overwrite=True).open()
    assert listing(tmp_path) == ["file", "folder.zip"]
    assert not listing(tmp_path / "folder.zip")


def test_a_failure_inside_with_leaves_no_archive(tmp_path):
    with pytest.raises(RuntimeError), new(tmp_path / "a.zip") as writer:
        add(writer, 0)
        raise RuntimeError
    assert not (tmp_path / "a.zip").exists()
    with new(tmp_path / "a.zip"):
        pass
    assert len(Archive(tmp_path / "a.zip")) == 1


def test_names_with_any_characters_come_back(tmp_path):
    data, _ = image(0)
    with new(tmp_path / "a.zip") as writer:
        for name in ("a_b.png", "a/b_c%2F.png"):
            writer.add(name, data, {}, {})
    assert Archive(tmp_path / "a.zip").names == ["a/b_c%2F.png", "a_b.png"]


def test_another_format_is_refused():
    with pytest.raises(UserError, match="image_format=gif"):
        encode_image(np.zeros((2, 2, 3), np.uint8), "gif", 80)
