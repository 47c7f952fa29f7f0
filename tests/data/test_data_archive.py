import json
import pickle
import zipfile

import numpy as np
import pytest
from PIL import Image

from insetgan.data.archive import Archive
from insetgan.data.datasets import open_archive
from insetgan.data.writer import ArchiveWriter, encode_image, image_name
from insetgan.runtime.errors import UserError

PARTS = ("face", "feet")


def _images(count: int) -> list[tuple[np.ndarray, np.ndarray, tuple[int, int, int, int]]]:
    rng = np.random.default_rng(0)
    made = []
    for i in range(count):
        mask = np.zeros((16, 8), bool)
        mask[2 + i : 6 + i, 1:5] = rng.random((4, 4)) < 0.7
        mask[2 + i, 1] = mask[5 + i, 4] = True
        made.append((rng.integers(0, 256, (16, 8, 3), dtype=np.uint8), mask, (1, 2 + i, 5, 6 + i)))
    return made


def _write(path, images) -> None:
    with ArchiveWriter(path, size=(16, 8), parts=PARTS) as writer:
        for i, (image, mask, box) in enumerate(images):
            data = encode_image(image, "png", 80)
            writer.add(image_name(i, "png"), data, {"face": box, "feet": None}, {"face": mask})


def _png(height: int = 16, width: int = 8) -> bytes:
    return encode_image(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8), "png", 80)


def test_png_archive_gives_back_what_was_written(tmp_path):
    images = _images(3)
    _write(tmp_path / "a.zip", images)
    archive = Archive(tmp_path / "a.zip")
    assert len(archive) == 3 and archive.size == (16, 8) and archive.parts == PARTS
    assert archive.names[0] == "00000/img00000000.png"
    for i, (image, mask, box) in enumerate(images):
        assert np.array_equal(archive.image(i), image)
        assert archive.shape(i) == (16, 8)
        assert archive.boxes(i) == {"face": box, "feet": None}
        assert np.array_equal(archive.mask(i, "face"), mask)
        assert not archive.mask(i, "feet").any()


def test_folder_and_pickle_read_alike(tmp_path):
    images = _images(2)
    _write(tmp_path / "a.zip", images)
    zipfile.ZipFile(tmp_path / "a.zip").extractall(tmp_path / "folder")
    for archive in (Archive(tmp_path / "folder"), pickle.loads(pickle.dumps(Archive(tmp_path / "a.zip")))):
        assert np.array_equal(archive.image(1), images[1][0]) and archive.boxes(1)["face"] == images[1][2]


def test_an_archive_from_before_recipes_is_read():
    archive = open_archive(None)
    assert archive.recipe is None
    assert archive.image(0).shape == (*archive.size, 3)


def test_what_cannot_be_read_is_named(tmp_path):
    _write(tmp_path / "a.zip", _images(2))
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[: len(data) // 2])
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as empty:
        empty.writestr("readme.txt", "nothing here")
    for name in ("missing.zip", "cut.zip", "empty.zip"):
        with pytest.raises(UserError, match=name):
            Archive(tmp_path / name)


@pytest.mark.parametrize("path", ["", " "])
def test_an_empty_path_is_not_the_current_folder(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(_png())
    with pytest.raises(UserError, match=r"^data\.path= ?: must name"):
        open_archive(path)


def test_a_broken_image_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(_png())
    (tmp_path / "b.png").write_bytes(b"not an image")
    with pytest.raises(UserError, match=r"b\.png cannot be read \(not a whole PNG, JPEG or WebP\)"):
        Archive(tmp_path).image(1)


def _is_refused(path, index, name):
    with pytest.raises(UserError) as caught:
        Archive(path).image(index)
    assert str(caught.value).startswith(f"archive {path}: {name} cannot be read")


@pytest.mark.parametrize("kept", [0, 5, 20, 30, 60, 200, 350])
def test_a_truncated_image_is_named(tmp_path, kept):
    assert kept < len(_png()) - 40
    (tmp_path / "a.png").write_bytes(_png()[:kept])
    _is_refused(tmp_path, 0, "a.png")


def test_an_image_too_large_to_be_meant_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(_png())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 16 * 8 // 2 - 1)
    _is_refused(tmp_path, 0, "a.png")


def test_whatever_a_decoder_raises_names_the_image(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(_png())
    archive = Archive(tmp_path)
    monkeypatch.setattr(Image.Image, "convert", lambda *_: (_ for _ in ()).throw(EOFError("torn")))
    with pytest.raises(UserError, match=r"a\.png cannot be read \(torn\)"):
        archive.image(0)


def test_an_encrypted_image_is_named(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.png", _png())
        file.writestr("b.png", _png())
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag of encryption of b.png
        data[data.rindex(signature) + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"the member b\.png is encrypted"):
        Archive(path)


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
def test_an_image_that_fails_its_checksum_is_named(tmp_path, image_format):
    path, name = tmp_path / "a.zip", f"a.{image_format}"
    with zipfile.ZipFile(path, "w") as file, file.open(name, "w") as target:
        Image.new("RGB", (64, 64)).save(target, image_format)
        target.write(bytes(1 << 16))  # behind the image, where no decoder looks
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 16] ^= 1
    path.write_bytes(data)
    _is_refused(path, 0, name)


def test_files_of_the_file_system_are_not_images(tmp_path):
    members = ["a.png", "00000/b.png", "__MACOSX/._a.png", "__MACOSX/00000/c.png", "00000/._b.png", ".trash/d.png"]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for name in members:
            file.writestr(name, b"resource fork" if "_" in name else _png())
    zipfile.ZipFile(tmp_path / "a.zip").extractall(tmp_path / ".hidden" / "folder")
    assert Archive(tmp_path / "a.zip").names == ["00000/b.png", "a.png"]
    assert Archive(tmp_path / ".hidden" / "folder").names == ["00000/b.png", "a.png"], "where the folder is is free"
    with zipfile.ZipFile(tmp_path / "dot.zip", "w") as file:
        file.writestr("./a.png", _png())
    assert Archive(tmp_path / "dot.zip").names == ["./a.png"]


def _folder(tmp_path, table, **sizes):
    for name, size in (sizes or {"a": (16, 8)}).items():
        (tmp_path / f"{name}.png").write_bytes(_png(*size))
    (tmp_path / "parts.json").write_text(json.dumps(table))
    return tmp_path


@pytest.mark.parametrize(
    "table",
    [
        [],
        {"size": "x"},
        {"size": [16]},
        {"size": [16, 0]},
        {"size": [16.5, 8]},
        {"parts": 3},
        {"recipe": "seed 3"},
        {"images": []},
        {"images": {"a.png": []}},
        {"images": {"a.png": {"boxes": {"face": [1, 2]}}}},
        {"images": {"a.png": {"boxes": {"face": "1 2 3 4"}}}},
        {"images": {"a.png": {"boxes": {"face": [1, 2, 3, 4]}, "masks": {"face": [4]}}}},
    ],
)
def test_a_table_of_another_form_is_named(tmp_path, table):
    assert len(Archive(_folder(tmp_path, {"size": [16, 8], "parts": ["face"], "images": {"a.png": {}}}))) == 1
    with pytest.raises(UserError, match=r"parts\.json is not of the form"):
        Archive(_folder(tmp_path, table))


@pytest.mark.parametrize(
    "box", [[-1, 0, 4, 4], [0, -1, 4, 4], [0, 0, 9, 4], [0, 0, 4, 17], [3, 0, 3, 4], [4, 6, 5, 5], [0, 0, 10**30, 4]]
)
def test_a_box_off_the_canvas_names_image_and_part(tmp_path, box):
    table = {"size": [16, 8], "images": {"a.png": {"boxes": {"feet": None, "face": [0, 0, 8, 16]}}}}
    assert Archive(_folder(tmp_path, table)).boxes(0)["face"] == (0, 0, 8, 16)
    table["images"]["a.png"]["boxes"]["face"] = box
    with pytest.raises(UserError, match=r"box .* of face in a\.png must be .* x1 <= 8 and .* y1 <= 16"):
        Archive(_folder(tmp_path, table))


@pytest.mark.parametrize("size", [[16, 9], [8, 16], [10**30, 8]])
def test_a_size_that_is_not_the_images_is_named(tmp_path, size):
    with pytest.raises(UserError, match=rf"a\.png is 16 x 8 \(height x width\), but parts\.json says {size[0]} x"):
        Archive(_folder(tmp_path, {"size": size}))


def test_boxes_need_images_of_one_size(tmp_path):
    assert Archive(_folder(tmp_path, {}, a=(16, 8), b=(12, 8))).image(1).shape == (12, 8, 3)
    for table in ({"size": [16, 8]}, {"images": {"a.png": {"boxes": {"face": [0, 0, 4, 4]}}}}):
        with pytest.raises(UserError, match=r"b\.png is 12 x 8 .* 16 x 8"):
            Archive(_folder(tmp_path, table)).image(1)


def test_a_mask_that_does_not_fit_is_named(tmp_path):
    entry = {"boxes": {"face": [0, 0, 4, 4]}, "masks": {"face": "99999999999999999999"}}
    with pytest.raises(UserError, match=r"mask face of a\.png is broken"):
        Archive(_folder(tmp_path, {"images": {"a.png": entry}})).mask(0, "face")
