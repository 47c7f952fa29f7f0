import json
import os
import re
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from insetgan.data import check
from insetgan.data.archive import Archive
from insetgan.data.check import Fault, check_images, sound_images
from insetgan.data.crops import PartCrops
from insetgan.data.datasets import ImageDataset, open_archive
from insetgan.data.image import Facts
from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import cache_folder

WHOLE = ("a.png", "deep/er/b.JPG", "deep/c.jpeg", "d.WebP")
FAULTS = {
    "bad/cut.jpg": "truncated",
    "bad/end.png": "truncated, the end of the file is missing",
    "bad/grey.png": "greyscale",
    "bad/high.png": r"32 x 8 \(height x width\)",
    "bad/junk.webp": "not a whole PNG, JPEG or WebP",
    "bad/sum.png": "Bad CRC-32",
}


@pytest.fixture
def files(encoded):
    """Four whole images 16 x 8, one of each fault but the wrong checksum."""
    kinds = dict(zip(WHOLE, ("PNG", "JPEG", "JPEG", "WEBP"), strict=True))
    whole = {name: encoded(kind, seed=len(name)) for name, kind in kinds.items()}
    return whole | {
        "bad/cut.jpg": encoded("JPEG", height=64, width=32)[:-900],
        "bad/end.png": encoded()[:-12],
        "bad/grey.png": encoded(mode="L"),
        "bad/high.png": encoded(height=32),
        "bad/junk.webp": b"nothing",
        "bad/sum.png": encoded(seed=9),
        "readme.txt": b"none of these",
    }


@pytest.fixture
def damaged(zipped, files):
    """An archive in a folder with a space, with every fault."""
    path = zipped(files, "my photographs/all of them.zip")
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        entry = file.getinfo("bad/sum.png")
    data[entry.header_offset + 30 + len(entry.filename) + entry.file_size - 5] ^= 1
    path.write_bytes(data)
    return path


@pytest.fixture
def remembering(monkeypatch):
    """Even quick checks are remembered."""
    monkeypatch.setattr(check, "WORTH_REMEMBERING", 0.0)


def _names(faults):
    return [fault.name for fault in faults]


@pytest.mark.parametrize("workers", [1, 3])
def test_every_fault_is_named_with_its_reason(damaged, workers):
    calls = []
    faults = check_images(
        Archive(damaged), target=(16, 8), workers=workers, progress=lambda done, count: calls.append((done, count))
    )
    assert _names(faults) == sorted(FAULTS)
    for fault in faults:
        assert re.search(FAULTS[fault.name], fault.reason), fault
    assert calls == [(done, 10) for done in range(1, 11)]


def test_a_folder_is_checked_like_a_zip(tmp_path, files):
    for name, data in files.items():
        (tmp_path / "in a folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in a folder" / name).write_bytes(data)
    archive = Archive(tmp_path / "in a folder")
    assert _names(check_images(archive, target=(16, 8))) == [name for name in sorted(FAULTS) if "sum" not in name]


def test_only_the_images_asked_for_are_checked(damaged):
    archive = Archive(damaged)
    chosen = [archive.names.index(name) for name in ("bad/junk.webp", "a.png", "bad/junk.webp")]
    assert check_images(archive, chosen) == [Fault("bad/junk.webp", "not a whole PNG, JPEG or WebP")]


def test_an_image_too_large_to_be_meant_is_a_fault(zipped, encoded, monkeypatch):
    archive = Archive(zipped({"a.png": encoded(), "b.png": encoded(height=64)}))
    monkeypatch.setattr(limits, "IMAGE_PIXELS", 16 * 8)
    (fault,) = check_images(archive)
    assert fault == Fault("b.png", "has 64 x 8 = 512 pixels, at most 128 are read")


@pytest.mark.parametrize("table", [{"size": [16, 8]}, {"images": {"a.png": {"boxes": {"face": [0, 0, 8, 8]}}}}])
def test_all_images_have_the_declared_or_the_usual_size(zipped, encoded, table):
    sizes = {"0.png": (8, 16), "a.png": (16, 8), "b.png": (16, 8), "c.png": (16, 9)}
    images = {name: encoded(height=height, width=width) for name, (height, width) in sizes.items()}
    archive = Archive(zipped({**images, "parts.json": table}))
    assert archive.size == (16, 8)
    assert check_images(archive) == [
        Fault("0.png", "8 x 16 (height x width), not 16 x 8"),
        Fault("c.png", "16 x 9 (height x width), not 16 x 8"),
    ]


def test_photographs_are_judged_by_their_upright_size(zipped, encoded):
    exif = Image.Exif()
    exif[0x0112] = 8
    archive = Archive(zipped({"a.jpg": encoded("JPEG", height=8, width=16, exif=exif), "b.png": encoded()}))
    assert check_images(archive, target=(32, 16)) == []
    assert ImageDataset(archive, 16, 8)[0].shape == (3, 16, 8)


def test_stop_names_all_in_one_line(damaged):
    with pytest.raises(UserError) as caught:
        ImageDataset(damaged, 16, 8)
    message = str(caught.value)
    assert message.startswith(f"data.path={damaged}: 6 of 10 images cannot be trained on: bad/cut.jpg (")
    assert "bad/sum.png (Bad CRC-32" in message and message.endswith(", data.on_fault=skip leaves them out")
    assert "\n" not in message


def test_of_many_faults_ten_are_named_and_all_listed(zipped, encoded, cache):
    files = {f"{index:02d}.png": b"" if index < 25 else encoded() for index in range(30)}
    with pytest.raises(
        UserError, match=r"25 of 30 .* 09\.png \(not a whole PNG, JPEG or WebP\) and 15 more, all listed in "
    ) as caught:
        ImageDataset(zipped(files), 16, 8)
    path = str(caught.value).partition("all listed in ")[2].partition(";")[0]
    assert path.startswith(str(cache)) and "10.png" not in str(caught.value)
    with open(path) as file:
        assert file.read().splitlines() == [f"{index:02d}.png (not a whole PNG, JPEG or WebP)" for index in range(25)]


def test_skip_leaves_them_out_with_their_labels(damaged, files):
    names = sorted(name for name in files if name != "readme.txt")
    with zipfile.ZipFile(damaged, "a") as file:
        file.writestr("dataset.json", json.dumps({"labels": [[name, index] for index, name in enumerate(names)]}))
    dataset = ImageDataset(damaged, 16, 8, on_fault="skip", use_labels=True)
    assert len(dataset) == 4 and _names(dataset.skipped) == sorted(FAULTS)
    assert dataset.c_dim == 10
    expected = [index for index, name in enumerate(names) if name in WHOLE]
    assert dataset.labels.argmax(dim=1).tolist() == expected
    image, label = dataset[2]
    assert np.array_equal(image.permute(1, 2, 0).numpy(), dataset.archive.image(expected[2]))
    assert label.argmax() == expected[2]


def test_crops_of_faulty_images_are_left_out_with_their_boxes(zipped, encoded):
    boxes = {"a.png": [0, 0, 8, 8], "b.png": [0, 1, 8, 9], "c.png": [0, 2, 8, 10], "d.png": None}
    table = {"size": [16, 8], "images": {name: {"boxes": {"face": box}} for name, box in boxes.items()}}
    images = {"a.png": encoded(), "b.png": b"", "c.png": encoded(), "d.png": b"junk, but not wanted"}
    path = zipped({**images, "parts.json": table})
    with pytest.raises(UserError, match=r"1 of 3 images cannot be trained on: b\.png \(not"):
        PartCrops(path, "face", 8, 8, margin=0)
    crops = PartCrops(path, "face", 8, 8, margin=0, on_fault="skip")
    assert crops.boxes.tolist() == [boxes["a.png"], boxes["c.png"]]
    assert np.array_equal(crops[1].permute(1, 2, 0).numpy(), crops.archive.image(2)[2:10])


@pytest.mark.parametrize("on_fault", ["stop", "skip"])
def test_nothing_left_is_an_error(zipped, encoded, on_fault):
    with pytest.raises(
        UserError, match=r"2 of 2 .*a\.png \(grey.* b\.png \(greyscale\); data\.grey=rgb .*, nothing would remain"
    ):
        ImageDataset(zipped({name: encoded(mode="L") for name in ("a.png", "b.png")}), 16, 8, on_fault=on_fault)


def test_a_ratio_that_fits_nothing_is_the_users_not_the_images(damaged):
    with pytest.raises(UserError, match=r"^data\.height=8 data\.width=8: images in .* are 16 x 8 .* distorted"):
        ImageDataset(damaged, 8, 8, on_fault="skip")


def test_unchecked_images_are_taken_at_their_word(zipped, encoded):
    archive = Archive(zipped({"a.png": encoded(), "b.png": encoded()[:-30], "c.png": encoded(height=32)}))
    archive.examine = None
    with pytest.raises(UserError, match=r"c\.png in .* is 32 x 8 .*distorted"):
        ImageDataset(archive, 16, 8, checked=False)
    archive.names.pop()
    dataset = ImageDataset(archive, 16, 8, checked=False)
    assert dataset[0].shape == (3, 16, 8)
    with pytest.raises(UserError, match=r"b\.png cannot be read"):
        dataset[1]
    with pytest.raises(UserError, match=r"data\.on_fault=warn: must be stop or skip"):
        ImageDataset(archive, 16, 8, on_fault="warn", checked=False)


def test_the_rendered_people_are_not_checked(monkeypatch):
    archive = open_archive(None)
    monkeypatch.setattr(Archive, "examine", None)
    assert len(ImageDataset(archive, 256, 128)) == len(archive)


@pytest.mark.parametrize("as_folder", [False, True])
def test_whole_images_are_remembered_until_the_archive_changes(
    zipped, encoded, tmp_path, monkeypatch, remembering, as_folder
):
    path = zipped({"a.png": encoded(), "b.png": b"", "c.png": encoded(height=8)})
    if as_folder:
        zipfile.ZipFile(path).extractall(tmp_path / "folder")
        path = tmp_path / "folder"
    decoded = []
    examine = Archive.examine
    monkeypatch.setattr(Archive, "examine", lambda self, index: decoded.append(index) or examine(self, index))

    def check_again():
        decoded.clear()
        return _names(check_images(Archive(path), target=(16, 8), workers=1))

    assert check_again() == ["b.png", "c.png"] and decoded == [0, 1, 2]
    assert check_again() == ["b.png", "c.png"] and decoded == [1], "only what was not whole is looked at again"
    changed = path / "c.png" if as_folder else path
    os.utime(changed, ns=(1, 1))
    assert check_again() == ["b.png", "c.png"] and decoded == [0, 1, 2]


def test_crops_and_bodies_share_what_is_remembered(zipped, encoded, monkeypatch, remembering):
    table = {"size": [16, 8], "images": {"b.png": {"boxes": {"face": [0, 0, 8, 8]}}}}
    path = zipped({**{name: encoded() for name in ("a.png", "b.png", "c.png")}, "parts.json": table})
    PartCrops(path, "face", 8, 8)
    decoded = []
    monkeypatch.setattr(Archive, "examine", lambda self, index: decoded.append(index) or Facts((16, 8)))
    ImageDataset(path, 16, 8)
    assert sorted(decoded) == [0, 2]


@pytest.mark.parametrize("content", [b"", b"{}", b"[[16, 8]]", b"[[16, 8, 5]]", b"\xff"])
def test_a_memory_of_another_form_is_forgotten(zipped, encoded, cache, remembering, content):
    path = zipped({"a.png": encoded(), "b.png": b""})
    assert _names(check_images(Archive(path))) == ["b.png"]
    (remembered,) = (cache / "checked").glob("set-*.json")
    remembered.write_bytes(content)
    assert _names(check_images(Archive(path))) == ["b.png"]


def test_a_cache_that_cannot_be_written_is_no_error(zipped, encoded, tmp_path, monkeypatch, remembering):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    archive = Archive(zipped({f"{index}.png": b"" for index in range(12)} | {"a.png": encoded()}))
    with pytest.raises(UserError, match=r"12 of 13 .* and 2 more; data\.on_fault=skip"):
        sound_images(archive, range(13), on_fault="stop")


def test_the_cache_is_where_the_user_keeps_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for named in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", named)
        assert cache_folder() == tmp_path / ".cache" / "insetgan"
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert str(cache_folder()) == "/elsewhere/insetgan"


def test_an_interrupted_check_stops_at_once(zipped, encoded):
    archive = Archive(zipped({f"{index:03d}.png": encoded() for index in range(200)}))
    decoded = []
    archive.examine = lambda index: decoded.append(index) or time.sleep(0.01) or Facts((16, 8))

    def interrupt(done, count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_images(archive, workers=1, progress=interrupt)
    assert len(decoded) < 100
