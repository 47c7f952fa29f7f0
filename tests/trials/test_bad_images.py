"""Bad images and bad sets of images of many kinds, each given to train.py: one line, exit code 2, nothing is made."""

import bz2
import io
import json
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


def png(size=(8, 16), mode="RGB", image_format="PNG", **options):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, image_format, **options)
    return stream.getvalue()


def chunked(*chunks):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


def header(width, height, depth=8, colour=2):
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)


def files(**content):
    """A maker of a folder set/ with files; names may hold folders."""

    def make():
        for name, data in content.items():
            path = Path("set") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())

    return make


def image(content, name="a.png"):
    return files(**{name: content, "b.png": png()})


def zipped(*members, method=zipfile.ZIP_STORED):
    def make():
        with zipfile.ZipFile("set", "w", method) as file:
            for name, content in members:
                file.writestr(name, content)

    return make


def patched(maker, *replacements):
    """A maker of the same file with bytes replaced."""

    def make():
        maker()
        data = Path("set").read_bytes()
        for old, new in replacements:
            assert old in data
            data = data.replace(old, new)
        Path("set").write_bytes(data)

    return make


def raw(content):
    return lambda: Path("set").write_bytes(content)


def fifo():
    Path("set").mkdir()
    os.mkfifo("set/a.png")


def dangling():
    Path("set").mkdir()
    Path("set/a.png").symlink_to("nowhere.png")


def deep():
    path = Path("set") / "/".join(["d"] * 80)
    path.mkdir(parents=True)
    (path / "a.png").write_bytes(png())


def circle():
    Path("set").mkdir()
    Path("set/again").symlink_to(".")


def labels(table):
    return files(**{"a.png": png(), "b.png": png(), "dataset.json": table})


def parts(table):
    return files(**{"a.png": png(), "parts.json": table})


def boxes(table):
    return files(**{"a.png": png(), "annotations.json": table})


def coco(changes, height=16):
    return {
        "images": [{"id": 1, "file_name": "a.png", "height": height, "width": 8}],
        "categories": [{"id": 1, "name": "face"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4]} | changes],
    }


IMAGES = {
    "postscript": image(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 16\n%%EndComments\nshowpage\n"),
    "gif as png": image(png(image_format="GIF")),
    "bmp as jpg": image(png(image_format="BMP"), "a.jpg"),
    "tiff as webp": image(png(image_format="TIFF"), "a.webp"),
    "icon as png": image(png((32, 32), image_format="ICO")),
    "portable pixmap as png": image(png(image_format="PPM")),
    "text as png": image(b"I am no image"),
    "nothing as png": image(b""),
    "half a png": image(png()[:200]),
    "half a jpeg": image(png((64, 64), image_format="JPEG")[:400], "a.jpg"),
    "half a webp": image(png((64, 64), image_format="WEBP")[:100], "a.webp"),
    "3.6 billion pixels": image(chunked(header(60000, 60000), (b"IDAT", zlib.compress(bytes(9))))),
    "no width": image(chunked(header(0, 16), (b"IDAT", zlib.compress(b"")))),
    "a chunk that never ends": image(chunked(header(8, 16)) + struct.pack(">I", 0x7FFFFFFF) + b"IDAT" + bytes(99)),
    "text that unpacks to 200 MB": image(
        chunked(header(8, 16), (b"zTXt", b"a\0\0" + zlib.compress(bytes(200 << 20))), (b"IDAT", zlib.compress(bytes(400))))
    ),
    "pixels that unpack to 200 MB": image(chunked(header(8, 16), (b"IDAT", zlib.compress(bytes(200 << 20))))),
    "greyscale": image(png(mode="L")),
    "16 bits of grey": image(png(mode="I;16")),
    "another ratio": image(png((16, 16))),
    "a pipe": fifo,
    "a link to nowhere": dangling,
    "a folder in itself": circle,
    "80 folders deep": deep,
    "no images": files(**{"notes.txt": b"x"}),
    "hidden images only": files(**{".a.png": png()}),
    "an image instead of a set": raw(png()),
    "an empty file": raw(b""),
    "text": raw(b"hello"),
    "an empty zip": zipped(),
    "half a zip": lambda: (zipped(("a.png", png()))(), Path("set").write_bytes(Path("set").read_bytes()[:-30])),
    "a name that climbs": zipped(("../a.png", png())),
    "a name from the root": zipped(("/a.png", png())),
    "a name with a drive": zipped(("C:/a.png", png())),
    "a name with backslashes": zipped(("..\\a.png", png())),
    "a name of 5000 letters": zipped(("x" * 5000 + ".png", png())),
    "a member packed by bzip2": zipped(("a.png", png()), method=zipfile.ZIP_BZIP2),
    "a member packed by lzma": zipped(("a.png", png()), method=zipfile.ZIP_LZMA),
    "an encrypted member": patched(
        zipped(("a.png", png())), (b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0")
    ),
    "40 MB out of 40 kB": zipped(("a.png", bytes(40 << 20)), method=zipfile.ZIP_DEFLATED),
    "a wrong checksum": patched(zipped(("a.png", png())), (struct.pack("<I", zlib.crc32(png())), b"\0\1\2\3")),
    "more than the header says": patched(
        zipped(("a.png", png() + bytes(70000)), method=zipfile.ZIP_DEFLATED),
        (struct.pack("<I", len(png()) + 70000), struct.pack("<I", 99)),
    ),
    "bzip2": raw(bz2.compress(bytes(1000))),
    "labels of a list": labels([1]),
    "labels of half a text": labels(b'{"labels": [["a.png", 1]'),
    "labels in another alphabet": labels(b"\xff\xfe{\0}\0"),
    "labels for one of two": labels({"labels": [["a.png", 1]]}),
    "a label twice": labels({"labels": [["a.png", 1], ["b.png", 1], ["a.png", 1]]}),
    "a key twice": labels(b'{"labels": null, "labels": [["a.png", 1], ["b.png", 0]]}'),
    "class ten to the 12": labels({"labels": [["a.png", 10**12], ["b.png", 0]]}),
    "class 500 million": labels({"labels": [["a.png", 5 * 10**8], ["b.png", 0]]}),
    "class minus one": labels({"labels": [["a.png", -1], ["b.png", 0]]}),
    "class one half": labels({"labels": [["a.png", 0.5], ["b.png", 0]]}),
    "class true": labels({"labels": [["a.png", True], ["b.png", False]]}),
    "vectors of nan": labels(b'{"labels": [["a.png", [NaN]], ["b.png", [1.0]]]}'),
    "vectors of 10**400": labels(b'{"labels": [["a.png", [1' + b"0" * 400 + b']], ["b.png", [1.0]]]}'),
    "a number of 5000 digits": labels(b'{"labels": [["a.png", 1' + b"0" * 5000 + b'], ["b.png", 0]]}'),
    "vectors of two lengths": labels({"labels": [["a.png", [1, 2]], ["b.png", [1]]]}),
    "a vector of 100000": labels({"labels": [["a.png", [0] * 100_000], ["b.png", [0] * 100_000]]}),
    "labels 100000 deep": labels(b"[" * 100_000 + b"]" * 100_000),
    "labels 200 deep": labels({"labels": json.loads("[" * 200 + "]" * 200)}),
    "parts 100000 deep": parts(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "parts with a key twice": parts(b'{"size": [16, 8], "size": [16, 8]}'),
    "parts of another size": parts({"size": [99, 99]}),
    "parts of size zero": parts({"size": [0, 0]}),
    "parts of size ten to the 30": parts({"size": [10**30, 8]}),
    "a box beyond the image": parts({"images": {"a.png": {"boxes": {"face": [0, 0, 99, 99]}}}}),
    "a box of text": parts({"images": {"a.png": {"boxes": {"face": "everywhere"}}}}),
    "a recipe of numbers": parts({"recipe": 5}),
    "boxes of another form": boxes({"images": 3}),
    "boxes 100000 deep": boxes(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "boxes of an image that is not described": boxes(coco({"image_id": 2})),
    "a box from infinity": boxes(json.dumps(coco({"bbox": [0, 0, 1e999, 4]})).encode()),
    "a box beyond the image in COCO": boxes(coco({"bbox": [0, 0, 9, 4]})),
    "boxes for images of 10**30": boxes(coco({}, height=10**30)),
    "boxes in two files": files(**{"a.png": png(), "parts.json": {}, "annotations.json": coco({})}),
}  # fmt: skip


@pytest.mark.parametrize("name", IMAGES)
def test_images_and_sets(run, name):
    IMAGES[name]()
    before = sorted(Path().iterdir())
    code, lines = run("train", "+model=body", "data.path=set", "data.height=16", "data.width=8", "data.labels=" + (
        "true" if name.startswith(("label", "class", "vector", "a label", "a key", "a vector", "a number")) else "false"
    ))  # fmt: skip
    assert code == 2 and len(lines) == 1 and lines[0].startswith("error: "), lines
    assert len(lines[0]) < 2000 and lines[0].isprintable()
    assert sorted(path for path in Path().iterdir() if path.name != "cache") == before, "nothing is made"


SETTINGS = {
    "data.background=nocolour": "data.background",
    "data.background=[1,2]": "data.background",
    "data.grey=maybe": "data.grey",
    "data.crop=somehow": "data.crop",
}  # fmt: skip


@pytest.mark.parametrize("override", SETTINGS)
def test_settings_of_images(run, override):
    files(**{"a.png": png(), "b.png": png((16, 8))})()
    code, lines = run("train", "+model=body", "data.path=set", "data.height=16", "data.width=8", override)
    assert code == 2 and len(lines) == 1 and SETTINGS[override] in lines[0]


@pytest.mark.parametrize("given", ["0-1000000000000", "0-4294967296", "[0-999999,2000000]", "9" * 5000])
def test_seeds_without_end(run, given):
    code, lines = run("refine", f"seeds={given}")
    assert code == 2 and len(lines) == 1 and lines[0].startswith("error: ") and len(lines[0]) < 400
