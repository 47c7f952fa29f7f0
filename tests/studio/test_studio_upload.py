"""Own pictures, good and hostile."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from insetgan.runtime.errors import UserError
from insetgan.studio import upload
from insetgan.studio.upload import Uploads


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path / "kept")


@pytest.fixture
def sent(tmp_path):
    def send(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return send


def png(width, height, **options):
    page = io.BytesIO()
    pixels = np.random.RandomState(0).randint(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(page, "PNG", **options)
    return page.getvalue()


def vast(side):
    """A small PNG of side x side pixels, all black."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj(9)
    line = bytes(side // 8 + 1)
    data = b"".join(rows.compress(line) for _ in range(side)) + rows.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_picture_is_kept_byte_for_byte_and_what_was_sent_is_removed(uploads, sent):
    path = sent("me.PNG", png(6, 4))
    key, pixels = uploads.take(path)
    assert not path.exists() and pixels.shape == (4, 6, 3)
    kept = uploads.find(key)
    assert kept.name == "me.PNG" and kept.path.read_bytes() == png(6, 4) and kept.path.suffix == ".png"
    assert key in kept.path.name  # a name that says nothing and cannot be guessed
    uploads.remove(key)
    assert not kept.path.exists()
    with pytest.raises(UserError, match="deleted"):
        uploads.find(key)


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg: must end in .png, .jpg, .jpeg, .webp"),
        ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.png: not a whole PNG, JPEG or WebP"),
        ("a.png", b"hello, I am text", "a.png: not a whole PNG, JPEG or WebP"),
        ("a.png", b"", "a.png: not a whole PNG, JPEG or WebP"),
        ("a.jpg", png(64, 64)[:3000], "a.jpg: "),
        ("a.gif", b"GIF89a", "a.gif: must end in"),
    ],
)
def test_hostile_pictures_are_one_line_and_leave_nothing(uploads, sent, name, data, problem):
    path = sent(name, data)
    with pytest.raises(UserError) as caught:
        uploads.take(path)
    assert str(caught.value).startswith(problem) and "\n" not in str(caught.value)
    assert not path.exists() and not list(uploads.folder.iterdir())


def test_a_vast_picture_in_a_small_file_takes_no_memory(uploads, sent):
    data = vast(30_000)
    assert len(data) < 200_000
    path = sent("bomb.png", data)
    tracemalloc.start()
    with pytest.raises(UserError, match=r"bomb\.png: has more than \d+ pixels"):
        uploads.take(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10 * len(data) + (1 << 20)


def test_pixels_and_bytes_have_limits(uploads, sent, monkeypatch):
    monkeypatch.setattr(upload, "MOST_PIXELS", 99)
    with pytest.raises(UserError, match="has 10 x 10 pixels"):
        uploads.take(sent("a.png", png(10, 10)))
    monkeypatch.setattr(upload, "MOST_BYTES", 100)
    with pytest.raises(UserError, match=r"a\.png: must have 100 bytes at most"):
        uploads.take(sent("a.png", png(9, 9)))


def test_old_pictures_and_too_many_are_deleted(uploads, sent, monkeypatch):
    monkeypatch.setattr(upload, "MOST_KEPT", 2)
    keys = [uploads.take(sent("a.png", png(4, 4)))[0] for _ in range(3)]
    assert len(list(uploads.folder.iterdir())) == 2
    monkeypatch.setattr(upload, "KEPT_FOR", -1.0)
    with pytest.raises(UserError, match="deleted"):
        uploads.find(keys[-1])
    assert not list(uploads.folder.iterdir())
