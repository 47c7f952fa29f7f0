"""refine.py with images of the user's own, on tiny networks."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from insetgan.data.archive import PEOPLE, Archive
from insetgan.inversion.image_generator import ImageGenerator

QUICK = ("steps=3", "invert.start=mean", "invert.steps=2", "batch_size=8")
BOX = (8, 6, 24, 22)  # where the fixed detector sees the face on a canvas of 64 x 32


@pytest.fixture
def refine(in_process, tiny_networks, tmp_path):
    """Run refine.py with a detector that is told where the face is; results in tmp_path / "out"."""
    networks = [value for key, value in tiny_networks.items() if key != "detector"]
    fixed = ("detector=fixed", "+detector.boxes.face=[8,6,24,22]", "parts.face.placement.margin=0")

    def run(*overrides, out="out"):
        return in_process("refine", *networks, *fixed, *QUICK, *overrides, f"out={tmp_path}/{out}")

    return run


@pytest.fixture
def face(tmp_path):
    return save(tmp_path / "face.png", 16, 16)


def save(path, height, width, **options):
    path.parent.mkdir(exist_ok=True)
    pixels = np.random.RandomState(height * width + len(path.stem)).randint(
        0, 256, (height // 4, width // 4, 3), np.uint8
    )
    Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC).save(path, **options)
    return path


def pixels(path):
    with Image.open(path) as image:
        return np.array(image.convert("RGB")).astype(int)


def test_a_given_face_is_what_the_inset_holds_on_to(refine, face, tmp_path):
    code, _, errors = refine(
        "mode=body_for_part", f"parts.face.image={face}", "parts.face.align=whole", "seeds=0-1", "starts=2"
    )
    assert (code, errors) == (0, "")
    samples = tmp_path / "out" / "samples"
    assert (pixels(samples / "1_given_face.png") == pixels(face)).all()
    with Image.open(samples / "1_refined.png") as image:
        said = image.text["Comment"]
    mark = (tmp_path / "out" / "settings.txt").read_text().split()[2]
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert all(sample["identity"]["face"] > 0 for sample in results["samples"])
    assert results["measures"]["identity"]["title"].startswith("identity (")
    assert said.startswith("Synthetic image") and f"run {mark[:16]}, sample 1" in said
    assert not (samples / "1_photo.png").exists()
    assert (
        "finished before"
        in refine("mode=body_for_part", f"parts.face.image={face}", "parts.face.align=whole", "seeds=0-1", "starts=2")[
            1
        ]
    )


def test_another_image_of_the_same_name_is_another_start(refine, face, tmp_path):
    command = ("mode=body_for_part", f"parts.face.image={face}", "parts.face.align=whole", "seeds=0")
    assert refine(*command)[0] == 0
    save(face, 32, 32)
    assert "1 refined" in refine(*command)[1]


def test_a_face_goes_into_a_photograph_at_its_own_resolution(refine, tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    photo = save(tmp_path / "photo.png", 256, 128, exif=exif)
    code, _, errors = refine("mode=part", f"canvas.image={photo}", "seeds=0")
    assert (code, errors) == (0, "")
    samples = tmp_path / "out" / "samples"
    before, after = pixels(photo), pixels(samples / "0_photo.png")
    outside = np.ones(before.shape[:2], bool)
    x0, y0, x1, y1 = (4 * value for value in BOX)
    outside[y0:y1, x0:x1] = False
    assert after.shape == before.shape and (after[outside] == before[outside]).all()
    inset = np.asarray(Image.open(samples / "0_refined.png").crop(BOX).resize((64, 64), Image.Resampling.BICUBIC))
    assert np.abs(after[y0:y1, x0:x1] - inset.astype(int)).mean() < 12
    small = torch.nn.functional.interpolate(
        torch.from_numpy(before).permute(2, 0, 1)[None].float(), (64, 32), mode="bilinear", antialias=True
    )
    assert np.abs(small[0].permute(1, 2, 0).numpy() - pixels(samples / "0_canvas.png")).max() <= 1  # it stands still
    with Image.open(samples / "0_photo.png") as image:
        assert set(image.info) <= {"Comment", "Software"} and not image.getexif()


def test_photographs_are_upright(refine, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = save(tmp_path / "turned.jpg", 64, 128, exif=exif)  # upright it is 128 x 64
    assert refine("mode=part", f"canvas.image={photo}", "seeds=0", "composite=feather")[0] == 0
    assert pixels(tmp_path / "out" / "samples" / "0_photo.png").shape == (128, 64, 3)


def test_changes_of_a_generated_canvas_come_into_the_photograph(refine, tmp_path):
    photo = save(tmp_path / "photo.png", 128, 64)
    code, _, errors = refine("mode=montage", f"canvas.image={photo}", "seeds=0", "parts.face.start=3", "steps=30")
    assert (code, errors) == (0, "")
    after = pixels(tmp_path / "out" / "samples" / "0_photo.png")
    assert after.shape == (128, 64, 3) and (after[100:] != pixels(photo)[100:]).any()


def test_the_person_of_a_photograph_of_another_ratio_is_found_and_placed(refine, tmp_path):
    person = Image.fromarray(Archive(PEOPLE).image(0)).resize((256, 512), Image.Resampling.BICUBIC)
    photo = Image.new("RGB", (640, 560), (196, 190, 180))
    photo.paste(person, (300, 24))
    photo.save(tmp_path / "photo.png")
    code, text, errors = refine("mode=part", f"canvas.image={tmp_path}/photo.png", "seeds=0")
    assert (code, errors) == (0, "")
    assert "placed as in prepared sets" in " ".join(text.split())
    before, after = pixels(tmp_path / "photo.png"), pixels(tmp_path / "out" / "samples" / "0_photo.png")
    rows, columns = np.nonzero((before != after).any(axis=2))
    assert before.shape == after.shape
    x0, x1 = 300, 300 + 256  # the box of the fixed detector lies in the upper middle of the canvas, as the person does
    assert x0 < columns.min() < columns.max() < x1 and rows.max() < 24 + 256
    canvas = np.asarray(Image.open(tmp_path / "out" / "samples" / "0_canvas.png").convert("RGB")).astype(int)
    drawn = np.asarray(person.resize((32, 64))).astype(int)
    assert np.abs(canvas - drawn).mean() < 20, "the render stands as renders do"


def test_a_folder_gives_an_image_to_each_sample(refine, tmp_path):
    for index in range(2):
        save(tmp_path / "faces" / f"f{'x' * index}.png", 16, 16)
    command = ("mode=body_for_part", f"parts.face.image={tmp_path}/faces", "parts.face.align=whole")
    assert refine(*command, "seeds=4,7")[0] == 0
    given = [pixels(tmp_path / "out" / "samples" / f"{seed}_given_face.png") for seed in (4, 7)]
    assert (given[0] == pixels(tmp_path / "faces" / "f.png")).all() and (given[0] != given[1]).any()
    code, _, errors = refine(*command, "seeds=0-2", out="other")
    assert code == 2 and "names 2 images for 3 samples" in errors


def test_the_matrix_composes_every_face_with_every_body(refine, tmp_path):
    for index in range(2):
        save(tmp_path / "faces" / f"f{'x' * index}.png", 16, 16)
    code, _, errors = refine("mode=montage", f"faces={tmp_path}/faces", "bodies=3-5", "parts.face.align=whole")
    assert (code, errors) == (0, "")
    samples = tmp_path / "out" / "samples"
    given, bodies = ([pixels(samples / f"{i}_{name}.png") for i in range(6)] for name in ("given_face", "start"))
    assert (given[0] == given[2]).all() and (given[0] != given[3]).any()
    assert (bodies[1] == bodies[4]).all() and (bodies[0] != bodies[1]).any()
    assert len(json.loads((tmp_path / "out" / "results.json").read_text())["samples"]) == 6
    with Image.open(tmp_path / "out" / "matrix.png") as image:  # 3 + 1 columns of 128, 2 + 1 rows of 256
        assert image.size == (8 + 4 * 136, 8 + 3 * 264)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["parts.face.image=nowhere.png"], "parts.face.image=nowhere.png: no image there"),
        (["parts.face.image=FACE", "parts.face.start=3"], "goes with neither parts.face.start= nor resume_from="),
        (["parts.face.image=FACE", "walk=2"], "goes not with walk="),
        (["parts.face.image=FACE", "parts.face.mirror=true"], "mirrored"),
        (["canvas.image=FACE", "mode=part"], "is 16 x 16 (height x width), and the generator draws 64 x 32"),
        (["parts.face.align=whole"], "parts.face.align: belongs to parts.face.image"),
        (["parts.face.encoder=nowhere.safetensors"], "parts.face.encoder: belongs to parts.face.image"),
        (["parts.face.image=FACE", "parts.face.box=[0,0,4,8]"], "box=[0, 0, 4, 8]: is 8 x 4"),
        (["faces=FACE"], "a matrix needs both"),
        (["faces=FACE", "bodies=0-1"], "mode=joint: faces= takes mode=montage or body_for_part"),
        (["faces=FACE", "bodies=0-1", "mode=montage", "canvas.start=3"], "leave these away"),
        (["faces=FACE", "bodies=0-1", "mode=montage", "walk=2"], "neither walk= nor starts="),
        (["faces=FACE", "bodies=0-1", "mode=montage", "seeds=5-9"], "seeds=5-9: a matrix has a sample for each"),
    ],
)
def test_mistakes_are_one_line(refine, face, overrides, message):
    code, _, errors = refine(*(each.replace("FACE", str(face)) for each in overrides))
    assert code == 2 and message in errors and len(errors.strip().splitlines()) == 1


def test_where_nothing_is_found_an_image_of_the_ratio_is_taken_whole(refine, face, tiny_networks):
    code, output, _ = refine(
        "mode=body_for_part",
        f"parts.face.image={face}",
        "seeds=0",
        "image_detector={_target_: insetgan.detection.detector.FixedBoxes, boxes: {hand: [0, 0, 9, 9]}}",
    )
    assert code == 0 and "no face was found in it, so it is taken whole" in output


def test_the_whole_file_of_a_photograph_counts(refine, tmp_path):
    """With a box, the canvas is a piece of it, and the rest is written again in the end."""
    photo = save(tmp_path / "photo.png", 128, 64)
    command = ("mode=part", f"canvas.image={photo}", "canvas.box=[0,0,32,64]", "seeds=0")
    assert refine(*command)[0] == 0
    assert "finished before" in refine(*command)[1]
    changed = pixels(photo)
    changed[100, 50] = 255 - changed[100, 50]
    Image.fromarray(changed.astype(np.uint8)).save(photo)
    assert "1 refined" in refine(*command)[1]
    assert (pixels(tmp_path / "out" / "samples" / "0_photo.png")[100, 50] == changed[100, 50]).all()


def test_a_photograph_that_changes_meanwhile_is_one_line(refine, tmp_path, monkeypatch):
    photo = save(tmp_path / "photo.png", 128, 64)
    original = ImageGenerator.__init__

    def change(self, *args, **options):
        save(photo, 256, 128)
        original(self, *args, **options)

    monkeypatch.setattr(ImageGenerator, "__init__", change)
    code, _, errors = refine("mode=part", f"canvas.image={photo}", "seeds=0")
    assert code == 2
    assert errors == f"error: canvas.image={photo}: has changed since this command read it; start the command again\n"
