import json
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from insetgan.data.archive import Archive, ArchiveWriter, decode_mask, encode_image, encode_mask, image_name
from insetgan.errors import UserError

PARTS = ("face", "feet")


def _pictures(count: int) -> list[tuple[np.ndarray, np.ndarray, tuple[int, int, int, int]]]:
    rng = np.random.default_rng(0)
    made = []
    for i in range(count):
        mask = np.zeros((16, 8), bool)
        mask[2 + i : 6 + i, 1:5] = rng.random((4, 4)) < 0.7
        mask[2 + i, 1] = mask[5 + i, 4] = True
        made.append((rng.integers(0, 256, (16, 8, 3), dtype=np.uint8), mask, (1, 2 + i, 5, 6 + i)))
    return made


def _write(path, pictures, *, start: int = 0) -> ArchiveWriter:
    writer = ArchiveWriter(path, size=(16, 8), parts=PARTS)
    for i, (image, mask, box) in list(enumerate(pictures))[start:]:
        writer.add(image_name(i, "png"), encode_image(image, "png", 0), {"face": box, "feet": None}, {"face": mask})
    return writer


@settings(max_examples=60, deadline=None)
@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_run_lengths_round_trip(mask):
    assert np.array_equal(decode_mask(encode_mask(mask), *mask.shape), mask)


def test_run_lengths_by_hand():
    assert encode_mask(np.array([[0, 1, 1], [1, 0, 0]], bool)) == "1 3 2"
    assert encode_mask(np.array([[1, 0]], bool)) == "0 1 1"
    assert encode_mask(np.zeros((2, 2), bool)) == "4"


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5).filter(lambda runs: sum(runs) != 12))
def test_runs_that_do_not_fill_the_box_are_refused(runs):
    with pytest.raises(ValueError, match="12"):
        decode_mask(" ".join(map(str, runs)), 3, 4)


def test_png_archive_gives_back_what_was_written(tmp_path):
    pictures = _pictures(3)
    _write(tmp_path / "a.zip", pictures).close()
    archive = Archive(tmp_path / "a.zip")
    assert len(archive) == 3 and archive.size == (16, 8) and archive.parts == PARTS
    assert archive.names[0] == "00000/img00000000.png"
    for i, (image, mask, box) in enumerate(pictures):
        assert np.array_equal(archive.image(i), image)
        assert archive.boxes(i) == {"face": box, "feet": None}
        assert np.array_equal(archive.mask(i, "face"), mask)
        assert not archive.mask(i, "feet").any()
    with zipfile.ZipFile(tmp_path / "a.zip") as raw:
        assert json.loads(raw.read("dataset.json")) == {"labels": None}
        assert raw.getinfo(archive.names[0]).compress_type == zipfile.ZIP_STORED


def test_folder_and_pickle_read_alike(tmp_path):
    pictures = _pictures(2)
    _write(tmp_path / "a.zip", pictures).close()
    zipfile.ZipFile(tmp_path / "a.zip").extractall(tmp_path / "folder")
    for archive in (Archive(tmp_path / "folder"), pickle.loads(pickle.dumps(Archive(tmp_path / "a.zip")))):
        assert np.array_equal(archive.image(1), pictures[1][0]) and archive.boxes(1)["face"] == pictures[1][2]


def test_an_interrupted_archive_goes_on(tmp_path):
    pictures, path = _pictures(4), tmp_path / "a.zip"
    _write(path, pictures[:2])  # no close: killed
    assert not path.exists()
    again = ArchiveWriter(path, size=(16, 8), parts=PARTS)
    assert [again.has(image_name(i, "png")) for i in range(4)] == [True, True, False, False]
    _write(path, pictures, start=2).close()
    archive = Archive(path)
    assert all(np.array_equal(archive.image(i), pictures[i][0]) for i in range(4))
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.zip"]


def test_pictures_of_another_recipe_are_not_mixed_in(tmp_path):
    _write(tmp_path / "a.zip", _pictures(2))
    other = ArchiveWriter(tmp_path / "a.zip", size=(16, 8), parts=PARTS, recipe="other seed")
    assert not other.has(image_name(0, "png"))


def test_a_failure_inside_with_leaves_no_archive(tmp_path):
    with pytest.raises(RuntimeError), _write(tmp_path / "a.zip", _pictures(1)):
        raise RuntimeError
    assert not (tmp_path / "a.zip").exists()
    with _write(tmp_path / "a.zip", _pictures(1)):
        pass
    assert len(Archive(tmp_path / "a.zip")) == 1


def test_what_cannot_be_read_is_named(tmp_path):
    _write(tmp_path / "a.zip", _pictures(2)).close()
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[: len(data) // 2])
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as empty:
        empty.writestr("readme.txt", "nothing here")
    for name in ("missing.zip", "cut.zip", "empty.zip"):
        with pytest.raises(UserError, match=name):
            Archive(tmp_path / name)
    with pytest.raises(UserError, match=r"\.zip"):
        ArchiveWriter(tmp_path / "a.tar", size=(16, 8), parts=PARTS)
    with pytest.raises(UserError, match="image_format=gif"):
        encode_image(np.zeros((2, 2, 3), np.uint8), "gif", 80)


def test_a_broken_picture_is_named(tmp_path):
    with ArchiveWriter(tmp_path / "a.zip", size=(16, 8), parts=PARTS) as writer:
        writer.add(image_name(0, "png"), b"not a picture", {"face": None, "feet": None}, {})
    with pytest.raises(UserError, match=r"img00000000\.png cannot be read \(not a whole picture\)"):
        Archive(tmp_path / "a.zip").image(0)


@pytest.mark.parametrize(
    "table",
    [
        [],
        {"size": "x"},
        {"size": [16]},
        {"size": [16, 0]},
        {"size": [16.5, 8]},
        {"parts": 3},
        {"images": []},
        {"images": {"a.png": []}},
        {"images": {"a.png": {"boxes": {"face": [1, 2]}}}},
        {"images": {"a.png": {"boxes": {"face": "1 2 3 4"}}}},
    ],
)
def test_a_table_of_another_form_is_named(tmp_path, table):
    (tmp_path / "a.png").write_bytes(encode_image(np.zeros((16, 8, 3), np.uint8), "png", 80))
    (tmp_path / "parts.json").write_text(json.dumps({"size": [16, 8], "parts": ["face"], "images": {"a.png": {}}}))
    assert len(Archive(tmp_path)) == 1
    (tmp_path / "parts.json").write_text(json.dumps(table))
    with pytest.raises(UserError, match=r"parts\.json is not of the form"):
        Archive(tmp_path)
