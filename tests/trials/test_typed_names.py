"""Names that the user chooses are set as they are typed; addresses and references that lead nowhere are said with their key."""

import json

import pytest
from PIL import Image

from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import read_path


@pytest.fixture
def photo(tmp_path):
    Image.new("RGB", (64, 64), (200, 30, 20)).save(tmp_path / "me.png")
    return "data.input=me.png"


@pytest.mark.parametrize(
    "boxes", ["finder.boxes={face:[1,2,30,40]}", "finder.boxes.face=[1,2,30,40]", "+finder.boxes.face=[1,2,30,40]"]
)
def test_boxes_of_a_finder_need_no_plus(in_process, photo, tmp_path, boxes):
    code, said, errors = in_process("prepare", "+source=look", photo, "finder=fixed", boxes, cwd=tmp_path)
    assert (code, errors) == (0, "")
    assert "1: face 1.00 [1, 2, 30, 40]" in said


def test_a_misspelt_setting_beside_them_is_none(refused, photo):
    refused(
        "finder.boxs: no such setting", "prepare", "+source=look", photo, "finder=fixed", "finder.boxs={face:[1,2,3,4]}"
    )


def test_cascades_of_a_finder_need_no_plus(refused, photo):
    refused("nowhere.xml", "prepare", "+source=look", photo, "finder=cascades", "finder.files.face=./nowhere.xml")


@pytest.mark.parametrize(
    ("command", "override", "said"),
    [
        ("refine", "objective.mine={_target_:insetgan.refine.terms.none.None}", "objective.mine._target_"),
        ("refine", "objective.bordr={weight:2}", "objective.bordr={'weight': 2}: must be a term with _target_"),
        ("refine", "objective.bordr.weight=2", "objective.bordr"),
        ("refine", "parts.nose={trunc:0.5}", "parts.nose"),
        ("evaluate", "method.mine={trunc:0.5}", "method.mine"),
        ("evaluate", "method={mine:{_target_:os.system}}", "method.mine._target_=os.system: only classes of "),
        ("train", "logger.mine={save_dir:x}", "logger.mine"),
    ],
)
def test_definitions_need_no_plus_and_are_checked(refused, command, override, said):
    refused(said, command, *(["+model=body"] if command == "train" else []), override)


@pytest.mark.parametrize(
    ("command", "overrides"),
    [
        ("generate", ["weights=ftp://host/a.pkl"]),
        ("generate", ["weights=s3://bucket/a.pkl"]),
        ("convert", ["in=gs://bucket/a.pkl", "info=true"]),
        ("invert", ["image=file:///a.png"]),
        ("prepare", ["+source=look", "data.input=https://host/a.png"]),
        ("complete", ["data.path=https://host/a.zip"]),
        ("train", ["+model=body", "init=ftp://host/a.pkl"]),
        ("refine", ["parts.face.image=ftp://host/a.png"]),
        ("refine", ["out=s3://bucket/a"]),
        ("evaluate", ["method=generator", "method.generator.weights=ftp://host/a.pkl"]),
        ("evaluate", ["data.statistics=ftp://host/a"]),
    ],
)
def test_addresses_that_are_not_read_say_which_are(refused, command, overrides):
    refused(
        "no such address is read: those of weights begin with https://, http://, hf: or known:", command, *overrides
    )


@pytest.mark.parametrize("address", ["s3://bucket/a.zip", "s3://", "https://host/a.zip"])
def test_an_address_of_images_names_shards(refused, address):
    refused(
        "an address of images names tar shards, such as s3://bucket/", "train", "+model=body", f"data.path={address}"
    )


def test_a_path_with_a_colon_is_a_path():
    assert str(read_path("a:b/c")) == "a:b/c"
    with pytest.raises(UserError, match=r"^x=ftp://a: no such address is read"):
        read_path("ftp://a", key="x")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("out=${nope}", "out: refers to ${nope}, and there is no setting nope"),
        ("data.height=${data.nope}", "data.height: refers to ${data.nope}, and there is no setting data.nope"),
        ("data.height=${env:HOME}", "data.height: "),
        ("data.height=${oc.env:NOPE_NOT_SET}", "data.height: "),
        ("finder.threshold=${nope}", "finder.threshold: refers to ${nope}"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named_with_its_key(refused, photo, override, said):
    refused(said, "prepare", "+source=look", photo, override)


@pytest.mark.parametrize("box", ["[1,2,nan,4]", "[1,2,inf,4]", "[a,b,c,d]", "{a: 1}", "[3,2,1,4]", "[1,2,3]"])
def test_boxes_that_are_none_are_named_as_they_were_typed(refused, photo, box):
    refused("finder.boxes.face=", "prepare", "+source=look", photo, "finder=fixed", f"finder.boxes.face={box}")


def test_a_box_of_a_negative_size_is_refused(refused, photo, tmp_path):
    about = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [30, 30, -5, 5], "iscrowd": 0}
    image = {"id": 1, "file_name": "me.png", "height": 64, "width": 64}
    table = {"images": [image], "categories": [{"id": 1, "name": "face"}], "annotations": [about]}
    (tmp_path / "annotations.json").write_text(json.dumps(table))
    said = "annotations.0.bbox: Value error, width and height must be 0 or more"
    refused(said, "prepare", "+source=look", photo, "finder=coco", "finder.path=annotations.json")


@pytest.mark.parametrize(
    ("command", "key", "said"),
    [
        ("invert", "image", "image=x.zip: is an archive; unpack it, and give a file, a folder or a pattern"),
        ("refine", "parts.face.image", "parts.face.image=x.zip: is an archive; unpack it"),
        ("refine", "canvas.image", "canvas.image=x.zip: is an archive; unpack it"),
    ],
)
def test_an_archive_in_the_place_of_an_image_is_told(refused, tmp_path, command, key, said):
    (tmp_path / "x.zip").write_bytes(b"PK")
    mode = {"parts.face.image": ["mode=body_for_part"], "canvas.image": ["mode=part"]}.get(key, [])
    refused(said, command, *mode, f"{key}=x.zip")


@pytest.mark.parametrize("command", ["complete", "evaluate", "train"])
def test_an_image_in_the_place_of_an_archive_is_told(refused, photo, command):
    model = ["+model=body"] if command == "train" else []
    said = "archive me.png: cannot be read, a folder or a zip of images is needed, and not an image alone"
    refused(said, command, *model, "data.path=me.png")


def test_images_beside_a_tuned_one_are_few(refused, photo):
    """They are drawn at once: 1024 of 64 x 32 took 2.8 GB."""
    refused("tuning.others=65: must be at most 64", "invert", "image=me.png", "tuning.steps=1", "tuning.others=65")
