"""Shards of an object store that speaks S3: connections that are cut, slow bytes, missing shards, wrong lengths."""

import io
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from fake_s3 import object_store
from PIL import Image
from torch.utils.data import DataLoader

from insetgan.data.archive import Archive
from insetgan.data.datasets import ImageDataset
from insetgan.data.order import TOGETHER, EndlessBatches
from insetgan.data.share import Share
from insetgan.runtime import object_cache, objects
from insetgan.runtime.errors import UserError

PATTERN = "s3://bucket/people-{0..2}.tar"


def shard(number):
    """A tar of two images of the levels 2 number and 2 number + 1."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for level in (2 * number, 2 * number + 1):
            image = io.BytesIO()
            Image.fromarray(np.full((8, 4, 3), level, np.uint8)).save(image, "PNG")
            info = tarfile.TarInfo(f"{level:03d}.png")
            info.size = len(image.getvalue())
            tar.addfile(info, io.BytesIO(image.getvalue()))
    return whole.getvalue()


@pytest.fixture
def store(monkeypatch, tmp_path):
    with object_store() as server:
        server.objects = {f"/bucket/people-{number}.tar": shard(number) for number in range(3)}
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr(objects, "FIRST_WAIT", 0.01)
        monkeypatch.setattr(objects, "SILENCE", 60)
        objects.facts.cache_clear()
        objects._s3.cache_clear()
        yield server


def levels(dataset):
    return [int(dataset[index][0, 0, 0]) for index in range(len(dataset))]


def test_what_fails_now_and_then_is_asked_for_again(store):
    store.faults = ["cut", "error", "fine", "error", "cut", "cut"]
    assert levels(ImageDataset(PATTERN, 8, 4)) == list(range(6))
    assert store.asked == [f"/bucket/people-{number}.tar" for number in (0, 0, 0, 1, 1, 1, 1, 2)]
    assert levels(ImageDataset(Path(PATTERN), 8, 4)) == list(range(6))
    assert len(store.asked) == 8, "copies are kept"


def test_bytes_that_come_too_slowly_are_asked_for_again(store, monkeypatch):
    monkeypatch.setattr(objects, "SILENCE", 1)
    objects._s3.cache_clear()
    store.faults = ["slow"]
    assert levels(ImageDataset(PATTERN, 8, 4)) == list(range(6))
    assert len(store.asked) >= 4


def test_forked_workers_of_a_loader_fetch_too(store, tmp_path):
    dataset = ImageDataset(PATTERN, 8, 4, keep=False)
    shutil.rmtree(tmp_path / "cache")
    loader = DataLoader(dataset, batch_size=3, num_workers=2, timeout=60)
    assert [int(level) for batch in loader for level in batch[:, 0, 0, 0]] == list(range(6))
    shutil.rmtree(tmp_path / "cache")
    del store.objects["/bucket/people-1.tar"]
    with pytest.raises(Exception, match=r"s3://bucket/people-1.tar: no such object"):
        list(DataLoader(dataset, batch_size=3, num_workers=1, timeout=60))


DYING = (
    "import os, sys; path = sys.argv[3] + '.died'; os.path.exists(path) or (open(path, 'w'), os.kill(os.getpid(), 9)); "
)


@pytest.mark.parametrize("always", [False, True])
def test_a_copying_process_that_dies_is_started_again(tmp_path, monkeypatch, always):
    """A stand-in that is killed at its first start, or at each; then it copies."""
    rest = "os.kill(os.getpid(), 9)" if always else "open(sys.argv[3], 'w').write('whole')"
    monkeypatch.setattr(object_cache, "_HELPER", DYING + rest)
    if always:
        with pytest.raises(
            UserError, match=r"^s3://b/x.tar: cannot be copied \(the process that copies ended with -9\)$"
        ):
            object_cache._copy_elsewhere("s3://b/x.tar", 5, tmp_path / "x")
    else:
        object_cache._copy_elsewhere("s3://b/x.tar", 5, tmp_path / "x")
        assert (tmp_path / "x").read_text() == "whole"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda store: store.faults.extend(["cut"] * 20), "people-0.tar: cannot be read after 6 attempts"),
        (lambda store: store.objects.pop("/bucket/people-1.tar"), "people-1.tar: no such object"),
        (
            lambda store: setattr(store, "longer", 7),
            "people-0.tar: cannot be read after 6 attempts (Generic S3 error: Requested 0..10247, got 0..10240)",
        ),
        (lambda store: store.objects.update({"/bucket/people-2.tar": shard(2)[:700]}), "people-2.tar: is cut short"),
        (lambda store: store.server_close(), "people-0.tar: cannot be read after 6 attempts"),
    ],
)
def test_what_cannot_be_mended_is_one_line(store, change, said):
    change(store)
    with pytest.raises(UserError) as error:
        Archive(PATTERN)
    assert f"s3://bucket/{said}" in str(error.value) and len(str(error.value).splitlines()) == 1


def test_the_order_needs_few_shards_at_a_time_and_goes_on_anywhere():
    groups = [shard for shard in range(40) for _ in range(1 + shard % 3)]
    size, share = len(groups), Share(4)

    def order(position=0):
        return EndlessBatches(size, seed=3, share=share, groups=groups, position=lambda: position)

    whole = order()
    passes = [[whole.index(turn * size + place) for place in range(size)] for turn in range(2)]
    assert passes[0] != passes[1] and all(sorted(each) == list(range(size)) for each in passes)
    for each in passes:
        shards = [groups[index] for index in each]
        spans = [(shards.index(shard), size - shards[::-1].index(shard)) for shard in range(40)]
        needed = [sum(first <= place < last for first, last in spans) for place in range(size)]
        assert max(needed) <= TOGETHER, "no more are begun and not yet done"
        assert shards != sorted(shards)
    resumed = iter(order(position=20))
    assert next(resumed) == [whole.index(place) for place in range(20, 24)]
