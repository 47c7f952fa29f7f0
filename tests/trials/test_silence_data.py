"""Data sets: what is left out or changed on reading is said in one line, or refused."""

import io
import json
import os
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from insetgan.completion.mask_files import read_known
from insetgan.data.archive import Archive
from insetgan.data.crops import PartCrops, part_dataset
from insetgan.data.datasets import ImageDataset
from insetgan.data.reading import Reading
from insetgan.runtime.errors import UserError


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def image(mode="RGB", size=(8, 16), image_format="PNG", seed=0, **options):
    """Noise as the bytes of a file; `size` is (width, height)."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, image_format, **options)
    return stream.getvalue()


def folder(path, files):
    """Write files below a folder, tables as JSON."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in files.items():
            file.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return path


def notes(path, **options):
    return "\n".join(ImageDataset(path, 16, 8, **options).notes)


def test_folders_that_are_links_are_entered(tmp_path):
    elsewhere = folder(tmp_path / "elsewhere", {f"{index}.png": image(seed=index) for index in range(8)})
    root = folder(tmp_path / "set", {f"{index}.png": image(seed=8 + index) for index in range(3)})
    (root / "more").symlink_to(elsewhere)
    dataset = ImageDataset(root, 16, 8)
    assert len(dataset) == 11 and not dataset.notes
    assert "more/7.png" in dataset.archive.names


def test_circles_of_links_end_and_are_named(tmp_path):
    root = folder(tmp_path / "set", {"a/1.png": image(seed=1), "b/2.png": image(seed=2)})
    (root / "a" / "up").symlink_to(root)
    (root / "b" / "self").symlink_to(root / "b")
    (root / "c").symlink_to(root / "a")
    dataset = ImageDataset(root, 16, 8)
    assert dataset.archive.names == ["a/1.png", "b/2.png"]
    assert dataset.notes == [
        "3 links to a folder that is read already, or to one round it, not entered: a/up, b/self, c"
    ]


def test_links_that_lead_nowhere_are_named(tmp_path):
    root = folder(tmp_path, {"a.png": image()})
    (root / "b.png").symlink_to("gone.png")  # a relative link, since long messages are cut
    with pytest.raises(UserError, match=r"1 of 2 .*: b\.png \(a link to .*gone\.png, where nothing is\)"):
        ImageDataset(root, 16, 8)
    dataset = ImageDataset(root, 16, 8, on_fault="skip")
    assert len(dataset) == 1 and dataset.skipped[0].name == "b.png"


def test_a_link_without_an_ending_that_leads_nowhere_is_counted(tmp_path):
    (folder(tmp_path, {"a.png": image()}) / "photos").symlink_to(tmp_path / "gone")
    assert "1 file passed over (1 without ending), the first photos" in notes(tmp_path)


def test_pipes_are_named_and_not_waited_for(tmp_path):
    os.mkfifo(folder(tmp_path, {"a.png": image()}) / "b.png")
    assert "1 pipe, socket or device: b.png" in notes(tmp_path)


def test_files_that_are_no_images_are_counted_once(tmp_path):
    others = {"notes.txt": b"x", "more.txt": b"x", "c.bmp": b"x", ".hidden.png": b"x", "__MACOSX/._a.png": b"x"}
    files = {"a.png": image(), "dataset.json": {"labels": None}, **others}
    expected = "5 files passed over (2 .txt, 1 .bmp, 2 hidden), the first c.bmp"
    assert notes(folder(tmp_path / "set", files)) == expected == notes(zipped(tmp_path / "set.zip", files))


def test_hidden_colours_are_laid_over_the_stated_one(tmp_path):
    hidden = np.full((16, 8, 4), (200, 10, 10, 0), np.uint8)
    hidden[:8, :, 3] = 255
    stream = io.BytesIO()
    Image.fromarray(hidden).save(stream, "PNG")
    path = zipped(tmp_path / "set.zip", {"a.png": stream.getvalue(), "b.png": image()})
    dataset = ImageDataset(path, 16, 8)
    assert dataset.notes == [
        "1 of 2 images with transparent pixels are laid over data.background=white, the first a.png"
    ]
    assert (dataset[0][:, 8:] == 255).all() and dataset[0][:, 0, 0].tolist() == [200, 10, 10]
    blue = ImageDataset(path, 16, 8, background=[0, 0, 9])
    assert blue[0][:, 15, 7].tolist() == [0, 0, 9]
    assert "data.background=[0,0,9]" in blue.notes[0]
    assert ImageDataset(path, 16, 8, background="#102030")[0][:, 15, 7].tolist() == [16, 32, 48]


def test_half_transparent_is_half_and_half(tmp_path):
    stream = io.BytesIO()
    Image.new("RGBA", (8, 16), (255, 0, 0, 128)).save(stream, "PNG")
    pixel = ImageDataset(folder(tmp_path, {"a.png": stream.getvalue()}), 16, 8, background="black")[0][:, 0, 0].tolist()
    assert pixel == [128, 0, 0]


def test_transparent_colours_of_palettes_and_webp_too(tmp_path):
    palette = Image.new("P", (8, 16), 1)
    palette.putpalette([0, 0, 0, 9, 8, 7])
    stream = io.BytesIO()
    palette.save(stream, "PNG", transparency=1)
    webp = io.BytesIO()
    Image.new("RGBA", (8, 16), (1, 2, 3, 0)).save(webp, "WEBP", lossless=True, exact=True)
    dataset = ImageDataset(folder(tmp_path, {"a.png": stream.getvalue(), "b.webp": webp.getvalue()}), 16, 8)
    assert all((dataset[index] == 255).all() for index in range(2))
    assert (
        "2 of 2 images with transparent pixels" in dataset.notes[0]
        and "1 of 2 images have a palette" in dataset.notes[1]
    )


def test_an_alpha_channel_that_hides_nothing_changes_nothing(tmp_path):
    assert notes(folder(tmp_path, {"a.png": image("RGBA")})) == ""


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (image("P"), "have a palette and become RGB"),
        (image("CMYK", image_format="JPEG"), "are CMYK and become RGB without a colour profile"),
    ],
)
def test_conversions_are_said_with_a_count(tmp_path, content, said, checked):
    name = "b.png" if content[:4] == b"\x89PNG" else "b.jpg"
    found = notes(folder(tmp_path, {"a.png": image(seed=1), name: content}), checked=checked)
    assert found.startswith(f"1 of 2 images {said}") and found.endswith(f"the first {name}")


def test_animations_are_said(tmp_path):
    frames = [Image.new("RGB", (8, 16), colour) for colour in ("red", "lime")]
    for image_format in ("PNG", "WEBP"):
        stream = io.BytesIO()
        frames[0].save(stream, image_format, save_all=True, append_images=frames[1:], lossless=True)
        root = folder(tmp_path / image_format, {f"a.{image_format.lower()}": stream.getvalue()})
        assert "1 of 1 images are animations, of which the first frame is taken" in notes(root)


@pytest.mark.parametrize("mode", ["L", "1", "LA", "I;16"])
def test_greyscale_is_refused_or_taken_as_said(tmp_path, mode):
    root = folder(tmp_path, {"a.png": image(seed=1), "b.png": image(mode)})
    with pytest.raises(UserError, match=r"b\.png \(greyscale\).*data\.grey=rgb"):
        ImageDataset(root, 16, 8)
    with pytest.raises(UserError, match=r"b\.png is greyscale; data\.grey=rgb"):
        ImageDataset(root, 16, 8, checked=False)
    dataset = ImageDataset(root, 16, 8, grey="rgb")
    assert any("1 of 2 images are greyscale and become RGB" in note for note in dataset.notes)
    assert (dataset[1][0] == dataset[1][1]).all() and (dataset[1][0] == dataset[1][2]).all()


def test_sixteen_bits_become_eight_by_rounding(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(np.full((16, 8), 32896, np.uint16)).save(stream, "PNG")
    dataset = ImageDataset(folder(tmp_path, {"a.png": stream.getvalue()}), 16, 8, grey="rgb")
    assert (dataset[0] == 128).all() and any("16 bits a colour" in note for note in dataset.notes)


def test_a_mixed_folder_trains_when_that_is_asked_for(tmp_path):
    wide, tall = image(size=(64, 32), seed=1), image(size=(8, 32), seed=2)
    files = {"a.png": wide, "b.jpg": image("L", (40, 40), "JPEG"), "c.png": tall, "d.png": image(seed=3)}
    root = folder(tmp_path, files)
    with pytest.raises(UserError, match=r"distorted.*data\.crop=center"):
        ImageDataset(root, 16, 8)
    centre = ImageDataset(root, 16, 8, crop="center", grey="rgb")
    assert len(centre) == 4 and all(item.shape == (3, 16, 8) for item in centre)
    assert (
        "data.crop=center: 3 of 4 images have another ratio than 16 x 8 (height x width) and are cut"
        in centre.notes[-1]
    )
    middle = np.array(Image.open(io.BytesIO(wide)))[:, 24:40]
    by_hand = Image.fromarray(middle).resize((8, 16), Image.Resampling.BILINEAR)
    assert np.abs(centre[0].permute(1, 2, 0).numpy().astype(int) - np.array(by_hand)).max() <= 2
    fit = ImageDataset(root, 16, 8, crop="fit", grey="rgb", background="black")
    assert (fit[0][:, :6] == 0).all() and (fit[0][:, 10:] == 0).all() and (fit[0][:, 6:10] > 0).any()
    assert (fit[2][:, :, :2] == 0).all() and (fit[2][:, :, 6:] == 0).all() and (fit[2][:, :, 2:6] > 0).any()
    assert "padded with data.background=black" in fit.notes[-1]
    assert torch.equal(fit[3], centre[3])


def test_what_was_checked_under_one_setting_is_not_taken_for_another(tmp_path, monkeypatch):
    monkeypatch.setattr("insetgan.data.check.WORTH_REMEMBERING", 0.0)
    root = folder(tmp_path, {"a.png": image("L"), "b.png": image()})
    assert len(ImageDataset(root, 16, 8, grey="rgb")) == 2
    with pytest.raises(UserError, match="greyscale"):
        ImageDataset(root, 16, 8)
    assert "1 of 2 images are greyscale" in notes(root, grey="rgb")  # said at every start


def test_images_that_are_enlarged_are_counted(tmp_path):
    root = folder(tmp_path, {"a.png": image(), "b.png": image(size=(32, 64))})
    assert ImageDataset(root, 32, 16).notes == [
        "1 of 2 images are smaller than 32 x 16 (height x width) and are enlarged"
    ]


@pytest.mark.parametrize("make", [folder, zipped])
def test_copies_are_counted(tmp_path, make):
    path = make(tmp_path / "set", {"a.png": image(), "b.png": image(seed=1), "c.png": image()})
    assert notes(path).startswith("1 of 3 images are copies, byte for byte, of others, the first c.png of a.png")


def test_two_members_of_one_name_are_refused(tmp_path):
    path = zipped(tmp_path / "set.zip", {"a.png": image()})
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("a.png", image(seed=1))
    with pytest.raises(UserError, match=r"holds two members called a\.png"):
        Archive(path)


@pytest.mark.parametrize("second", [0, 1])
def test_an_image_that_is_labelled_twice_is_refused_by_name(tmp_path, second):
    table = {"labels": [["a.png", 0], ["b.png", 1], ["a.png", second]]}
    path = folder(tmp_path, {"a.png": image(), "b.png": image(seed=1), "dataset.json": table})
    with pytest.raises(UserError, match=r"a\.png has two labels"):
        ImageDataset(path, 16, 8, use_labels=True)


def test_labels_and_boxes_of_images_that_are_not_there_are_counted(tmp_path):
    labels = {"labels": [["a.png", 0], ["gone.png", 1], ["lost.png", 1]]}
    parts = {"size": [16, 8], "images": {"a.png": {}, "x.png": {"boxes": {"face": [0, 0, 4, 4]}}}}
    path = folder(tmp_path, {"a.png": image(), "dataset.json": labels, "parts.json": parts})
    assert ImageDataset(path, 16, 8, use_labels=True).notes == [
        "parts.json has entries for 1 images that are not there, the first x.png",
        "dataset.json has labels for 2 images that are not there, the first gone.png",
    ]


@pytest.mark.parametrize("box", [[0, 0, 9, 4], [-1, 0, 4, 4], [0, 12, 4, 17], [4, 4, 4, 8]])
def test_boxes_beyond_the_image_are_refused(tmp_path, box):
    table = {"size": [16, 8], "parts": ["face"], "images": {"a.png": {"boxes": {"face": box}}}}
    with pytest.raises(UserError, match=r"box .* of face in a\.png must be"):
        PartCrops(folder(tmp_path, {"a.png": image(), "parts.json": table}), "face", 8, 8)


def test_json_that_says_two_things_is_refused(tmp_path):
    twice = b'{"size": [16, 8], "images": {"a.png": {"boxes": {"face": [0, 0, 4, 4]}}, "a.png": {}}}'
    with pytest.raises(UserError, match=r"parts\.json has the key a\.png twice"):
        Archive(folder(tmp_path, {"a.png": image(), "parts.json": twice}))


def test_two_masks_for_one_image_are_refused(tmp_path):
    root = folder(tmp_path, {"a.png": image("L"), "a.jpg": image("L", image_format="JPEG")})
    with pytest.raises(UserError, match=r"a\.jpg and a\.png are two masks for one image"):
        read_known(root, ["a.png"], 16, 8)


def test_crops_by_boxes_take_no_crop(tmp_path):
    table = {"size": [16, 8], "parts": ["face"], "images": {"a.png": {"boxes": {"face": [0, 0, 8, 8]}}}}
    path = folder(tmp_path, {"a.png": image(), "parts.json": table})
    with pytest.raises(UserError, match=r"data\.crop=fit: must be none"):
        part_dataset(path, "face", 8, 8, crop="fit")


@pytest.mark.parametrize(
    "colour", ["whitish", "#12", "#11223344", [1, 2], [0, 0, 256], [0.5, 0, 0], 7, None, "x" * 5000]
)
def test_a_background_that_is_no_colour_is_refused(colour):
    with pytest.raises(UserError, match=r"data\.background=.*must be the name of a colour"):
        Reading(background=colour)


def test_other_choices_are_refused(tmp_path):
    folder(tmp_path, {"a.png": image()})
    with pytest.raises(UserError, match=r"data\.grey=keep: must be one of refuse, rgb"):
        ImageDataset(tmp_path, 16, 8, grey="keep")
    with pytest.raises(UserError, match=r"data\.crop=left: must be one of none, center, fit"):
        ImageDataset(tmp_path, 16, 8, crop="left")


def test_annotations_of_which_none_is_taken_are_told_of_where_images_are_taken_whole(tmp_path):
    """All are of crowds: perhaps the images are no faces."""
    (tmp_path / "set").mkdir()
    for index in range(2):
        Image.new("RGB", (16, 16)).save(tmp_path / "set" / f"{index}.png")
    table = {
        "images": [{"id": index, "file_name": f"{index}.png", "height": 16, "width": 16} for index in range(2)],
        "categories": [{"id": 1, "name": "face"}],
        "annotations": [{"image_id": 0, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 1}],
    }
    (tmp_path / "set" / "annotations.json").write_text(json.dumps(table))
    said = "no image has a box of face: the images are taken whole"
    assert said in part_dataset(tmp_path / "set", "face", 8, 8).notes
    (tmp_path / "set" / "annotations.json").unlink()
    assert said not in part_dataset(tmp_path / "set", "face", 8, 8).notes
