"""Tar shards: read in place, from this machine and from object stores that fail; foreign ones too."""

import io
import json
import pickle
import shutil
import tarfile
from pathlib import Path

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from insetgan.data.archive import Archive
from insetgan.data.datasets import ImageDataset
from insetgan.runtime import limits, objects
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.objects import expand


def png(value):
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 4, 3), value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def write_shard(path, samples, format=tarfile.PAX_FORMAT):
    """A tar as other programs write it: with times, owners and folders."""
    with tarfile.open(path, "w", format=format) as tar:
        for name, content in samples:
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.uid = len(content), 1.7e9, 1000
            tar.addfile(info, io.BytesIO(content))


@pytest.fixture
def people(tmp_path):
    """Three shards of two images; image i has the grey level i, class i % 2, and a box."""
    for shard in range(3):
        samples = []
        for number in (2 * shard, 2 * shard + 1):
            said = json.dumps({"box": {"face": [0, number % 3, 4, 8], "feet": None}, "text": "a person"})
            samples += [(f"{number:03d}.png", png(number)), (f"{number:03d}.json", said.encode())]
            samples += [(f"{number:03d}.cls", b"%d" % (number % 2))]
        write_shard(tmp_path / f"people-{shard:04d}.tar", samples)
    return tmp_path


class Flaky(MemoryFileSystem):
    """A store in memory that cuts connections: `fails` answers fail, then one works."""

    protocol = "flaky"
    cachable = False
    fails, asked, short = 0, 0, 0

    def cat_file(self, path, start=None, end=None, **options):
        Flaky.asked += 1
        if Flaky.fails:
            Flaky.fails -= 1
            if Flaky.fails % 2:
                raise ConnectionError("the peer went away")
            return super().cat_file(path, start, end)[:-1]  # bytes of a connection that was cut
        content = super().cat_file(path, start, end)
        return content[: len(content) - Flaky.short]


@pytest.fixture
def store(people, monkeypatch, tmp_path):
    """The shards in that store."""
    fsspec.register_implementation("flaky", Flaky, clobber=True)
    monkeypatch.setattr(objects, "FIRST_WAIT", 0.0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Flaky.fails = Flaky.asked = Flaky.short = 0
    objects.facts.cache_clear()
    for path in people.glob("*.tar"):
        with fsspec.open(f"flaky://bucket/{path.name}", "wb") as file:
            file.write(path.read_bytes())
    yield "flaky://bucket/people-{0000..0002}.tar"
    MemoryFileSystem.store.clear()


def levels(archive):
    return [int(archive.image(index)[0, 0, 0]) for index in range(len(archive))]


def test_patterns():
    assert expand("a-{08..11}.tar") == ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]
    assert expand("{x,y}/{0..1}.tar") == ["x/0.tar", "x/1.tar", "y/0.tar", "y/1.tar"]
    assert expand(Path("s3://bucket/a.tar")) == ["s3://bucket/a.tar"], "pathlib takes a slash away"
    for pattern, said in (("{3..1}.tar", "backwards"), ("{0..99}{0..99}{0..99}.tar", "more than 100000 files")):
        with pytest.raises(UserError, match=said):
            expand(pattern)


@pytest.mark.parametrize("form", ["folder", "pattern", "one"])
def test_images_boxes_and_classes(people, form):
    paths = {"folder": people, "pattern": people / "people-{0000..0002}.tar", "one": people / "people-0001.tar"}
    archive = Archive(paths[form])
    numbers = [2, 3] if form == "one" else list(range(6))
    assert levels(archive) == numbers
    assert archive.parts == ("face", "feet") and archive.size == (8, 4)
    assert [archive.boxes(k) for k in range(len(archive))] == [
        {"face": (0, n % 3, 4, 8), "feet": None} for n in numbers
    ]
    assert archive.labels.argmax(1).tolist() == [n % 2 for n in numbers]
    assert archive.shards == ([0, 0] if form == "one" else [0, 0, 1, 1, 2, 2])
    assert levels(pickle.loads(pickle.dumps(archive))) == numbers
    assert len(ImageDataset(paths[form], 8, 4, checked=form != "one")) == len(numbers)


def test_only_the_refined_image_of_a_sample_counts(tmp_path):
    kinds = ["canvas.png", "mask_face.png", "refined.png"]
    write_shard(tmp_path / "a.tar", [(f"7.{kind}", png(k)) for k, kind in enumerate(kinds)], tarfile.GNU_FORMAT)
    archive = Archive(tmp_path / "a.tar")
    assert archive.names == ["a/7.refined.png"] and levels(archive) == [2]
    assert "2 files of the shards passed over (1 canvas.png, 1 mask_face.png)" in archive.notes
    write_shard(tmp_path / "a.tar", [("7.png", png(1)), ("7.mask_face.png", png(0))])
    assert levels(Archive(tmp_path / "a.tar")) == [1]
    write_shard(tmp_path / "a.tar", [("7.a.png", png(1)), ("7.b.png", png(0))])
    with pytest.raises(UserError, match=r"the sample 7 has 2 images, a.png, b.png; one is needed"):
        Archive(tmp_path / "a.tar")


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names(tmp_path, format):
    name = "/".join(["folder" * 8] * 2) + "/" + "n" * (20 if format == tarfile.USTAR_FORMAT else 150) + ".png"
    write_shard(tmp_path / "a.tar", [(name, png(5))], format)
    archive = Archive(tmp_path / "a.tar")
    assert archive.names == [f"a/{name}"] and levels(archive) == [5]


def test_tars_that_will_not_do(people):
    path = people / "people-0001.tar"
    content = path.read_bytes()

    def said(data):
        path.write_bytes(data)
        with pytest.raises(UserError) as error:
            Archive(people)
        assert str(error.value).startswith(f"data.path={path}: ") and "\n" not in str(error.value)
        return str(error.value)

    assert "is cut short: 002.png would end behind its 1560 bytes" in said(content[:1560])
    end = content.rstrip(bytes(1))
    assert "the mark of its end is missing" in said(end + bytes(-len(end) % 512))
    assert "is no tar" in said(b"") and "is no whole tar" in said(bytes(100) + b"x" * 1000)
    assert "is compressed; unpack it" in said(b"\x1f\x8b" + bytes(range(256)) * 4)
    for member, words in (("../a.png", "leads out"), ("/a.png", "leads out")):
        write_shard(path, [(member, png(1))])
        assert words in said(path.read_bytes())
    write_shard(path, [("a.png", png(1)), ("a.png", png(2))])
    assert "holds two members called a.png" in said(path.read_bytes())
    with tarfile.open(path, "w") as tar:
        link = tarfile.TarInfo("a.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert "holds a link, a.png" in said(path.read_bytes())
    write_shard(path, [("a.cls", b"-1"), ("a.png", png(1))])
    assert "a.cls must be a class" in said(path.read_bytes())
    write_shard(path, [("a.json", b'{"box": {"face": [0, 0, 1]}}'), ("a.png", png(1))])
    assert "a.json: a box must be [x0, y0, x1, y1]" in said(path.read_bytes())
    path.unlink()
    with pytest.raises(UserError, match=r"1 of 3 shards are not there, the first .*people-0001.tar"):
        Archive(people / "people-{0000..0002}.tar")


def test_a_store_that_cuts_connections(store, people):
    Flaky.fails = objects.ATTEMPTS - 1
    archive = Archive(store)
    assert levels(archive) == list(range(6)) and archive.is_remote
    assert Flaky.asked == 3 + objects.ATTEMPTS - 1, "one piece a shard, and those that failed"
    assert levels(Archive(Path(store))) == list(range(6)) and Flaky.asked == 3 + objects.ATTEMPTS - 1, "copies are kept"
    assert [archive.boxes(k) for k in range(6)] == [Archive(people).boxes(k) for k in range(6)]


def test_what_cannot_be_had_is_one_line(store):
    Flaky.fails = 2 * objects.ATTEMPTS
    with pytest.raises(UserError, match=r"flaky://bucket/people-0000.tar: cannot be read after 6 attempts"):
        Archive(store)
    Flaky.fails, Flaky.short = 0, 10
    with pytest.raises(UserError, match=r"people-0000.tar: .*gave \d+ of \d+ bytes from byte 0 on"):
        Archive(store)
    Flaky.short = 0
    with pytest.raises(UserError, match=r"flaky://bucket/people-0003.tar: no such object"):
        Archive(store.replace("0002", "0003"))
    with pytest.raises(UserError, match="must be a tar"):
        Archive("flaky://bucket/people.zip")
    with pytest.raises(UserError, match=r"nothing://bucket/a.tar: Protocol not known"):
        Archive("nothing://bucket/a.tar")


def test_the_copies_take_no_more_room_than_is_allowed(store, tmp_path, monkeypatch):
    size = (tmp_path / "people-0000.tar").stat().st_size
    monkeypatch.setattr(limits, "CACHE_BYTES", 2 * size)
    archive, cache = Archive(store), tmp_path / "cache" / "insetgan" / "objects"
    assert sum(path.stat().st_size for path in cache.glob("*.object")) == 2 * size
    assert levels(archive) == list(range(6))
    shutil.rmtree(cache)
    assert levels(archive)[5] == 5, "what is gone is fetched again"
    monkeypatch.setattr(limits, "CACHE_BYTES", size - 1)
    with pytest.raises(UserError, match=r"data.cache_gb=.*: too small for flaky://bucket/people-0000.tar"):
        Archive(store).image(0)


def test_a_change_of_any_shard_changes_the_fingerprint(people, store):
    for pattern in (people / "people-{0000..0002}.tar", Path(store)):
        before = fingerprint(1, archives=[pattern])
        assert fingerprint(1, archives=[pattern]) == before
        with fsspec.open(str(objects.expand(pattern)[2]), "ab") as file:
            file.write(bytes(512))
        objects.facts.cache_clear()
        assert fingerprint(1, archives=[pattern]) != before
