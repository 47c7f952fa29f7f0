"""A command that refuses what it is given has made nothing before."""

import io
import zipfile

import pytest
from PIL import Image

BAD = {
    "bomb.zip": lambda path: _zipped(path, bytes(4 << 30 >> 6)),
    "cut.zip": lambda path: path.write_bytes(b"PK\x03\x04 cut"),
    "cut.safetensors": lambda path: path.write_bytes(b"\xff" * 64),
    "cut.png": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"),
}


def _zipped(path, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        stream = io.BytesIO()
        Image.new("RGB", (8, 8)).save(stream, "png")
        file.writestr("a.png", stream.getvalue())
        file.writestr("annotations.json", content)


@pytest.mark.parametrize(
    ("command", "overrides", "bad"),
    [
        ("generate", ["weights=cut.safetensors"], "cut.safetensors"),
        ("convert", ["in=cut.safetensors", "out=new/a.pkl"], "cut.safetensors"),
        ("invert", ["image=cut.png"], "cut.png"),
        ("invert", ["image=cut.png", "weights=cut.safetensors"], "cut.png"),
        ("complete", ["data.path=bomb.zip"], "bomb.zip"),
        ("complete", ["data.path=cut.zip"], "cut.zip"),
        ("complete", ["weights=cut.safetensors"], "cut.safetensors"),
        ("prepare", ["+source=folder", "data.input=cut.zip"], "cut.zip"),
        ("prepare", ["+source=look", "data.input=cut.png"], "cut.png"),
        ("prepare", ["+source=crops", "data.input=bomb.zip"], "bomb.zip"),
        ("prepare", ["+source=crops", "data.input=cut.zip"], "cut.zip"),
        ("train", ["+model=body", "data.path=bomb.zip"], "bomb.zip"),
        ("train", ["+model=body", "data.path=cut.zip"], "cut.zip"),
        ("train", ["+model=body", "init=cut.safetensors"], "cut.safetensors"),
        ("refine", ["canvas.weights=cut.safetensors"], "cut.safetensors"),
        ("refine", ["parts.face.image=cut.png", "mode=body_for_part"], "cut.png"),
        ("refine", ["resume_from=cut.safetensors"], "cut.safetensors"),
        ("evaluate", ["data.path=bomb.zip"], "bomb.zip"),
        ("evaluate", ["data.path=cut.zip"], "cut.zip"),
        ("evaluate", ["data.statistics=cut.safetensors"], "cut.safetensors"),
        ("evaluate", ["method=folder", "method.folder.path=bomb.zip"], "bomb.zip"),
        ("evaluate", ["method=folder", "method.folder.path=cut.zip"], "cut.zip"),
        ("evaluate", ["method=generator", "method.generator.weights=cut.safetensors"], "cut.safetensors"),
        ("evaluate", ["""refine=["canvas.weights=cut.safetensors"]"""], "cut.safetensors"),
    ],
)
def test_no_folder_is_left(refused, tmp_path, command, overrides, bad):
    BAD[bad](tmp_path / bad)
    refused(bad.partition(".")[0], command, *overrides)
    assert [path.name for path in tmp_path.iterdir()] == [bad]
