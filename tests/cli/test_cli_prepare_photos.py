"""prepare.py on photographs: sets of bodies, parts, faces and any images, from the command line."""

from functools import partial

import numpy as np
import pytest
from PIL import Image

from insetgan.data.archive import PEOPLE, Archive
from insetgan.weights.store import load_network


@pytest.fixture
def prepare(in_process, tmp_path):
    """Run prepare.py in an empty folder with one process: prepare(*overrides) -> (exit code, output, errors)."""
    return partial(in_process, "prepare", "data.workers=1", cwd=tmp_path)


@pytest.fixture
def photos(tmp_path):
    """Three rendered people with a margin round them, a scene without one, and a file that is no image."""
    folder, archive = tmp_path / "photos", Archive(PEOPLE)
    folder.mkdir()
    for index in (0, 1, 7):
        person = Image.fromarray(archive.image(index)).resize((256, 512), Image.Resampling.BICUBIC)
        wide = Image.fromarray(np.pad(np.array(person), ((40, 40), (90, 90), (0, 0)), mode="edge"))
        wide.save(folder / f"{index}.jpg", quality=92)
    Image.new("RGB", (300, 300), (90, 120, 60)).save(folder / "meadow.png")
    (folder / "broken.png").write_bytes(b"no image")
    return folder


def test_bodies_then_their_faces(prepare, photos, tmp_path):
    code, text, errors = prepare("+source=photos", "data.input=photos", "out=bodies.zip", "data.height=128")
    assert code == 0, errors
    assert "bodies.zip: 3 of 5 files became images of 128 x 64" in text
    assert "1 dropped: no person was found, the first meadow.png" in text
    archive = Archive(tmp_path / "bodies.zip")
    assert (archive.size, len(archive)) == ((128, 64), 3)
    assert archive.parts == ("face", "hand_left", "hand_right", "feet", "person")
    faces = [archive.boxes(index)["face"] for index in range(3)]
    assert all(abs(box[0] + box[2] - 64) < 12 and box[3] < 50 for box in faces), "heads are on the centre, on top"
    assert (
        "already made, 3 images"
        in prepare("+source=photos", "data.input=photos", "out=bodies.zip", "data.height=128")[1]
    )
    crops = ["+source=crops", "source.part=face", "data.height=16", "source.enlarge=4"]
    code, text, errors = prepare(*crops, "data.input=bodies.zip")
    assert code == 0, errors
    assert "outputs/data/face-16x16.zip: 3 images of 16 x 16" in text
    code, text, errors = prepare(*crops, "data.input=photos", "out=direct.zip")
    assert code == 0 and "direct.zip: 3 of 5 files" in text, errors
    ours, theirs = (
        Archive(tmp_path / name).image(0).astype(int) for name in ("outputs/data/face-16x16.zip", "direct.zip")
    )
    assert np.abs(ours - theirs).mean() < 30, "nearly the same square of the same face"


def test_parts_net_learns_from_a_prepared_set_and_finds_parts_for_the_next(prepare, in_process, photos, tmp_path):
    """The expensive detectors run once; what they found trains the small network, whatever the number of images."""
    code, _, errors = prepare("+source=photos", "data.input=photos", "out=bodies.zip", "data.height=64")
    assert code == 0, errors
    small = ["data.height=64", "data.width=32", "batch_size=2", "trainer.max_kimg=0.006", "data.workers=0"]
    code, text, errors = in_process("train", "+model=parts", "data.path=bodies.zip", "out=run", *small, cwd=tmp_path)
    assert code == 0, errors
    trained = tmp_path / "run" / "parts-last.safetensors"
    network = load_network(trained, kind="parts")
    assert network.parts == ("face", "hand_left", "hand_right", "feet") and network.masks is not None
    find = ["finder=parts_net", f"finder.network.name_or_path={trained}"]
    code, text, errors = in_process("prepare", "+source=look", "data.input=photos/0.jpg", *find, cwd=tmp_path)
    assert code == 0 and "0.jpg: 592 x 436" in text, errors
    extended = ["+model=parts", "data.path=bodies.zip", "model.module.network.parts=[face,person]", "out=other"]
    code, _, errors = in_process("train", *extended, *small, cwd=tmp_path)
    assert code == 0, errors
    assert load_network(tmp_path / "other" / "parts-last.safetensors", kind="parts").parts == ("face", "person")


def test_faces_are_aligned(prepare, photos, tmp_path):
    code, text, errors = prepare(
        "+source=ffhq_align", "data.input=photos", "out=faces.zip", "data.height=64", "source.enlarge=4"
    )
    assert code == 0, errors
    archive = Archive(tmp_path / "faces.zip")
    assert len(archive) == 3 and archive.size == (64, 64) and "no face was found" in text


def test_any_images_are_brought_to_one_size(prepare, photos, tmp_path):
    Image.new("L", (200, 100), 200).save(photos / "grey.png")
    (tmp_path / "photos" / "broken.png").unlink()
    settings = ["+source=folder", "data.input=photos", "data.height=64"]
    code, text, errors = prepare(*settings, "out=center.zip")
    assert code == 0 and "1 dropped: greyscale; data.grey=rgb takes greyscale, the first grey.png" in text, errors
    code, _, errors = prepare(*settings, "out=fit.zip", "source.crop=fit", "data.grey=rgb", "data.background='#102030'")
    assert code == 0, errors
    archive = Archive(tmp_path / "fit.zip")
    assert len(archive) == 5
    padded = archive.image(3)  # grey.png, behind three people
    assert np.abs(padded[0, 0].astype(int) - [0x10, 0x20, 0x30]).max() < 12 and padded[32, 32].min() > 190
    code, text, _ = prepare(*settings, "out=none.zip", "source.crop=none")
    assert code == 0 and "3 dropped: another ratio" in text


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["+source=photos"], "data.input=null: must be a photograph"),
        (["+source=photos", "data.input=photos", "source.background=red"], "source.background=red: must be "),
        (["+source=photos", "data.input=photos", "source.alignment.upper=2"], "source.alignment.upper=2: must be "),
        (["+source=photos", "data.input=photos", "out=a.tar"], "out=a.tar: must end in .zip"),
        (["+source=photos", "data.input=photos", "finder=dlib"], "data.input=photos: none of 5 files can be used"),
        (["+source=crops", "data.input=photos", "source.part=ear", "out=a.zip"], "source.part=ear: must be one of face, "),
        (["+source=crops", "data.input=photos", "data.width=20"], "data.height=256 data.width=20: crops are square"),
        (["+source=ffhq_align", "data.input=none"], "data.input=none: no such file or folder"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(prepare, photos, overrides, says):
    code, _, errors = prepare(*overrides)
    assert code == 2
    assert len(errors.strip().splitlines()) == 1 and errors.startswith(f"error: {says}"), errors
