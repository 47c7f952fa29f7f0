"""Fields of files that this version does not know are named, where what they hold would be left out of a result."""

import json
import zipfile

import pytest
import torch

from insetgan.cli import part_definition
from insetgan.data.coco import read_coco
from insetgan.data.parts_json import read_parts_json
from insetgan.networks import Generator
from insetgan.runtime.errors import UserError
from insetgan.weights.store import load_network, save_network

BOX = {"boxes": {"face": [0, 0, 2, 2]}}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"image": {"a.png": BOX}}, "the file has image (allowed: size, parts, recipe, images)"),
        ({"images": {"a.png": {"box": {"face": [0, 0, 2, 2]}}}}, "a.png has box (allowed: boxes, masks)"),
        ({"images": {"a.png": {**BOX, "mask": {"face": "0 4"}}}}, "a.png has mask (allowed: boxes, masks)"),
        ({"parts": ["feet"], "images": {"a.png": BOX}}, "boxes of a.png has face (allowed: feet)"),
        (
            {"parts": ["face"], "images": {"a.png": {**BOX, "masks": {"fase": "0 4"}}}},
            "masks of a.png has fase (allowed: face)",
        ),
    ],
)
def test_parts_json(table, said):
    with pytest.raises(ValueError, match=r"^parts\.json: ") as error:
        read_parts_json(table, {"a.png"})
    assert said in str(error.value)


def test_parts_json_as_it_was_written():
    whole = {
        "size": [4, 4],
        "parts": ["face"],
        "recipe": {"seed": 1},
        "images": {"a.png": {**BOX, "masks": {"face": "0 4"}}},
    }
    assert read_parts_json(whole, {"a.png"}).boxes == {"a.png": {"face": (0, 0, 2, 2)}}
    assert read_parts_json({"images": {"a.png": BOX}}, {"a.png"}).boxes == {"a.png": {"face": (0, 0, 2, 2)}}


def coco(**fields):
    return {
        "images": [{"id": 1, "file_name": "a.png", "height": 6, "width": 4}],
        "categories": [{"id": 1, "name": "face"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2], **fields}],
    }


@pytest.mark.parametrize(
    ("field", "meant"),
    [
        ("segmentations", "segmentation"),
        ("segmentaton", "segmentation"),
        ("Segmentation", "segmentation"),
        ("is_crowd", "iscrowd"),
        ("isCrowd", "iscrowd"),
    ],
)
def test_fields_of_coco_that_are_misspelt(field, meant):
    with pytest.raises(ValueError, match=f"an annotation has {field}; the field is called {meant}$"):
        read_coco("annotations.json", coco(**{field: 1}), {"a.png"})


@pytest.mark.parametrize("value", [1e308, -1e308, 1e10, float("nan"), float("inf")])
def test_coordinates_beyond_any_image_are_no_overflow(value):
    with pytest.raises(ValueError, match=r"not in COCO.s format \(annotations\.0\.bbox\.0: "):
        read_coco("annotations.json", coco(bbox=[value, 0, value, 2]), {"a.png"})
    with pytest.raises(ValueError, match="is not in COCO"):
        read_coco("annotations.json", coco(segmentation=[[value, 0, 1, 0, 1, 1]]), {"a.png"})


@pytest.mark.parametrize(
    "fields",
    [
        {"image_id": "1"},
        {"category_id": "1"},
        {"bbox": ["0", "0", "2", "2"]},
        {"bbox": [True, 0, 2, 2]},
        {"iscrowd": "0"},
    ],
)
def test_text_is_no_number_in_coco(fields):
    with pytest.raises(ValueError, match="is not in COCO's format"):
        read_coco("annotations.json", coco(**fields), {"a.png"})


def test_fields_of_other_programs_are_no_mistakes():
    known = dict.fromkeys(
        (
            "area",
            "score",
            "keypoints",
            "num_keypoints",
            "attributes",
            "track_id",
            "caption",
            "ignore",
            "segments_info",
            "isfake",
        )
    )
    assert read_coco("annotations.json", coco(**known), {"a.png"}).boxes == {"a.png": {"face": (0, 0, 2, 2)}}


class Forgetful(Generator):
    """A network of the user's own that takes any keyword, and drops what it does not know."""

    def __init__(self, **settings):
        super().__init__(**{name: value for name, value in settings.items() if name != "tint"})


def test_a_keyword_that_a_network_drops(tmp_path, monkeypatch):
    shape = {
        "z_dim": 8,
        "w_dim": 8,
        "mapping_layers": 2,
        "channel_base": 128,
        "channel_max": 8,
        "height": 16,
        "width": 16,
    }
    monkeypatch.setattr("insetgan.weights.store._class_of", lambda header, key: Forgetful)
    path = tmp_path / "own.safetensors"
    own = Forgetful(**shape)
    save_network(path, own, kind="generator")
    assert load_network(path).height == 16
    monkeypatch.setattr(Forgetful, "architecture", {**own.architecture, "tint": 3}, raising=False)
    save_network(path, own, kind="generator")
    monkeypatch.delattr(Forgetful, "architecture")
    with pytest.raises(UserError, match="tint: Forgetful takes no notice of it"):
        load_network(path)


def test_a_setting_of_a_part_that_there_is_not(tmp_path, monkeypatch):
    """train.py takes margin and mirror from the definition of a part, and would pass over `mirrored`."""
    (tmp_path / "parts").mkdir()
    text = "face:\n  weights: face\n  mirrored: true\n  placement:\n    _target_: x.Y\n    margin: 0.2\n"
    (tmp_path / "parts" / "face.yaml").write_text(text)
    monkeypatch.setattr(part_definition, "CONF", tmp_path)
    monkeypatch.setattr(part_definition.HydraConfig, "initialized", lambda: False)  # by an earlier command
    with pytest.raises(UserError, match=r"part=face: face.mirrored: no such setting; did you mean mirror\?"):
        part_definition.part_crop("face")
    (tmp_path / "parts" / "face.yaml").write_text(text.replace("mirrored", "mirror"))
    assert part_definition.part_crop("face").mirrored == ("face",)


def test_a_crop_in_a_header_that_is_of_a_later_version(refused, tmp_path):
    torch.manual_seed(0)
    shape = {
        "z_dim": 8,
        "w_dim": 8,
        "mapping_layers": 2,
        "channel_base": 128,
        "channel_max": 8,
        "height": 16,
        "width": 16,
    }
    crop = {"parts": ["face"], "mirrored": [], "margin": 0.2, "turned": 90}
    save_network(tmp_path / "later.safetensors", Generator(**shape), kind="generator", crop=crop)
    refused("crop=", "refine", f"parts.face.weights={tmp_path}/later.safetensors", "seeds=0", "steps=1")


def test_an_archive_with_a_misspelt_table_is_refused(refused, tmp_path, write_noise):
    write_noise(tmp_path, 2, 16)
    with zipfile.ZipFile(tmp_path / "people.zip", "w") as file:
        for index in range(2):
            file.write(tmp_path / f"{index}.png", f"{index}.png")
        file.writestr("parts.json", json.dumps({"imgs": {"0.png": BOX}}))
    refused(
        "parts.json: the file has imgs",
        "train",
        "+model=body",
        "data.path=people.zip",
        "data.height=16",
        "data.width=16",
    )
