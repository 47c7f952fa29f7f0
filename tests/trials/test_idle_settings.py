"""Settings that were typed and have no effect beside the others are refused, in every command."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from insetgan.cli.idle import refuse_idle
from insetgan.runtime.errors import UserError


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "me.png"
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (64, 64, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def boxes(tmp_path):
    """An archive of an image with a box."""
    path = tmp_path / "bodies.zip"
    with zipfile.ZipFile(path, "w") as file:
        with file.open("a.png", "w") as target:
            Image.new("RGB", (32, 64)).save(target, "png")
        about = {
            "size": [64, 32],
            "parts": ["face"],
            "images": {"a.png": {"boxes": {"face": [4, 4, 28, 28]}, "masks": {}}},
        }
        file.writestr("parts.json", json.dumps(about))
    return path


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["+source=people", "finder=dlib"], "finder=dlib: this source draws its images itself; leave it away"),
        (["+source=flowers", "data.grey=rgb"], "data.grey=rgb: this source draws its images itself; leave it away"),
        (["+source=people", "data.background=red"], "data.background=red: this source draws its images itself"),
        (
            ["+source=people", "data.image_format=png", "data.quality=50"],
            "data.quality=50: belongs to data.image_format=webp",
        ),
        (["+source=folder", "data.input=me.png", "data.seed=3"], "data.seed=3: source=folder draws nothing at random"),
        (["+source=folder", "data.input=me.png", "finder=fixed"], "finder=fixed: source=folder looks for no people"),
        (["+source=photos", "data.input=me.png", "data.seed=3"], "data.seed=3: source=photos draws nothing at random"),
        (["+source=look", "data.input=me.png", "data.height=64"], "data.height=64: source=look makes no archive"),
        (["+source=look", "data.input=me.png", "overwrite=true"], "overwrite=true: source=look makes no archive"),
        (
            ["+source=crops", "data.input=bodies.zip", "finder=fixed"],
            "finder=fixed: is for photographs, and data.input=",
        ),
        (
            ["+source=crops", "data.input=bodies.zip", "source.duplicates=keep"],
            "source.duplicates=keep: is for photographs",
        ),
    ],
)
def test_of_prepare(refused, photo, boxes, overrides, said):
    refused(said, "prepare", *overrides)


def test_fewer_crops_than_there_are_is_said(in_process, tmp_path, boxes):
    with zipfile.ZipFile(boxes) as file:
        image, about = file.read("a.png"), json.loads(file.read("parts.json"))
    about["images"]["b.png"] = about["images"]["a.png"]
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as file:
        for name in ("a.png", "b.png"):
            file.writestr(name, image)
        file.writestr("parts.json", json.dumps(about))
    given = ("+source=crops", "data.input=two.zip", "data.height=16", "data.workers=1")
    code, said, errors = in_process("prepare", *given, "data.num_images=1", "out=one.zip", cwd=tmp_path)
    assert (code, errors) == (0, "")
    assert "data.num_images=1: the first 1 of 2 crops are taken" in said
    assert "are taken" not in in_process("prepare", *given, "data.num_images=2", "out=two_of_two.zip", cwd=tmp_path)[1]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["part=feet"], "part=feet: belongs to align=part; leave it away"),
        (["margin=0.3"], "margin=0.3: belongs to align=part; leave it away"),
        (["detector=fixed"], "detector=fixed: belongs to align=part; leave it away"),
        (["box=[0,0,64,64]", "align=center"], "align=center: box= says which piece is taken; leave it away"),
        (["tuning.rate=0.1"], "tuning.rate=0.1: belongs to tuning.steps=; leave it away"),
        (["steps=0", "projector.rate=0.3"], "projector.rate=0.3: belongs to steps of 1 or more; leave it away"),
        (["projector.feature_rows=8"], "projector.feature_rows=8: belongs to space=w+f; leave it away"),
    ],
)
def test_of_invert(refused, photo, overrides, said):
    refused(said, "invert", "image=me.png", *overrides)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["hole=free", "data.part=feet"], "data.part=feet: hole=free is cut round no part; leave it away"),
        (["hole=free", "detector=fixed"], "detector=fixed: hole=free is cut round no part; leave it away"),
        (["data.grey=rgb"], "data.grey=rgb: belongs to data.path=; leave it away"),
        (["data.score=0.9", "data.last=1"], "data.score=0.9: the boxes of people.zip are taken; leave it away"),
    ],
)
def test_of_complete(refused, overrides, said):
    refused(said, "complete", *overrides)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["judges=dlib"], "judges=dlib: belongs to metrics of faces; leave it away"),
        (["metrics=[seam]", "more_features=[inception]"], "more_features=[inception]: belongs to metrics of "),
        (["distance=lpips"], "distance=lpips: belongs to metrics of "),
        (["patches=8"], "patches=8: belongs to metrics of pfd; leave it away"),
        (["patch_size=8"], "patch_size=8: belongs to metrics of kfd, pfd; leave it away"),
        (["regions=[body]", "crop_size=8"], "crop_size=8: belongs to regions that are parts; leave it away"),
        (["data.statistics=real.safetensors", "data.num=8"], "data.num=8: is of images, and data.statistics= takes"),
        (["data.grey=rgb"], "data.grey=rgb: belongs to data.path=; leave it away"),
    ],
)
def test_of_evaluate(refused, overrides, said):
    refused(said, "evaluate", *overrides)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["invert.steps=3"], "invert.steps=3: belongs to canvas.image=, parts.NAME.image= and faces=; leave it away"),
        (["image_detector=dlib"], "image_detector"),
        (["segmenter=parts_net"], "segmenter=parts_net: belongs to region=mask and composite=mask; leave it away"),
        (
            ["mode=part", "mode.canvas_rate=2"],
            "mode.canvas_rate=2: mode=part does not optimise the canvas; leave it away",
        ),
        (["walk=3", "batch_size=2"], "batch_size=2: the images of a walk follow each other one by one; leave it away"),
        (["canvas.start=mean", "canvas.trunc=0.5"], "canvas.trunc=0.5: is of start latents that are drawn"),
        (["canvas.image=me.png", "canvas.box=[0,0,32,64]", "canvas.align=fit"], "canvas.align=fit: canvas.box= says"),
        (["mode=part", "canvas.image=me.png", "canvas.encoder=a.pt"], "canvas.encoder=a.pt: the canvas stands still"),
        (
            ["mode=body_for_part", "parts.face.image=me.png", "parts.face.encoder=a.safetensors", "invert.start=mean"],
            "parts.face.encoder=a.safetensors: belongs to invert.start=encoder; leave it away",
        ),
    ],
)
def test_of_refine(refused, photo, overrides, said):
    refused(said, "refine", *overrides)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["+model=body", "part=face"], "part=face: the model body does not use it; leave it away"),
        (["+model=body", "generator=face"], "generator=face: the model body does not use it; leave it away"),
        (["+model=parts", "gamma=3"], "gamma=3: the model parts does not use it; leave it away"),
        (["+model=parts", "data.labels=true"], "data.labels=true: the model parts does not use it; leave it away"),
        (["+model=parts", "recipe=paper256"], "recipe=paper256: the model parts does not use it; leave it away"),
        (["+model=body", "lr=0.1", "recipe.lr=0.2"], "recipe.lr=0.2: lr= wins over it; leave it away"),
        (["+model=body", "data.c_dim=3"], "data.c_dim=3: is found in dataset.json; leave it away"),
        (["+model=body", "init_strict=false"], "init_strict=false: belongs to init=; leave it away"),
        (["+model=body", "data.background=red"], "data.background=red: belongs to data.path=; leave it away"),
    ],
)
def test_of_train(refused, overrides, said):
    refused(said, "train", *overrides)


def test_what_is_typed_is_shown_as_it_was_typed():
    idle = {"finder": "looks for no people"}
    refuse_idle(idle, ["out='a b'", "finders=3", "~data.seed"])
    for override, shown in (("finder='a b'", "finder=a b"), ("++finder.boxes.face=[1]", "finder.boxes.face=[1]")):
        with pytest.raises(UserError, match=rf"^{shown.replace('[', '.').replace(']', '.')}: looks for no people"):
            refuse_idle(idle, [override])
