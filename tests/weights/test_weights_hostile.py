"""Files that would run something, take memory without end, or are damaged: nothing runs, and each is one clear line."""

import io
import json
import os
import pickle
import pickletools
import resource
import struct
import sys
import time

import pytest
import torch
from hostile_streams import CASES, MADE, Reduced, streams, text, touch
from published_streams import nvidia_pickle, persistent_network, reference, state
from rosinality_streams import rosinality_generator

from insetgan.runtime.errors import UserError
from insetgan.weights.published.containers import read_records
from insetgan.weights.store import load_network, read_metadata


def refusal(path):
    """The line for a file, and the megabytes of memory that reading it took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError) as error:
        load_network(path)
    return str(error.value), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


SAYS = {
    "reduce os.system": "what posix.system would make, which is never called",
    "reduce posix.system in G_ema": "what posix.system would make, which is never called,",
    "build with a hook": "stands where a network belongs",
    "build of a name": "sets attributes of what has none",
    "embedded source in a module": "a int stands where the module .mapping belongs",
    "extension registry, one byte": "by its number in Python's extension registry",
    "persistent id": "refers to things outside the file",
    "buffer outside": "takes data from outside the file",
    "bytearray of 8 EiB": "ends early, perhaps cut short",
    "number of 2 GiB": "a number of more than 16 bytes",
    "newobj_ex with names": "with named arguments",
    "doubled tuples as a key": "a key that is neither text nor a number",
    "sets without end": "takes more than 524288 steps",
    "storage in a storage": "a storage lies where none belongs",
    "storage cut short": "ends early",
    "tensor beyond its storage": "reaches beyond its storage",
    "tensor that repeats": "does not lie in one piece",
    "more after its end": "bytes after its end",
    "web page": "holds a web page and no weights",
    "zip bomb": "would unpack",
    "zip that leads out": "leads out",
    "zip of a program": "is a TorchScript program",
    "zip with a false storage": "holds a storage of another length",
}
"""What the lines say of some of them: that each is refused for what it is."""


def test_there_are_enough():
    assert len(CASES) > 70


@pytest.mark.timeout(120)
@pytest.mark.parametrize("case", CASES)
def test_nothing_runs_and_one_line_says_why(tmp_path, monkeypatch, case):
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(pickle, "load", None)
    path = tmp_path / "network.pkl"
    path.write_bytes(CASES[case])
    began = time.process_time()
    line, megabytes = refusal(path)
    assert time.process_time() - began < 10
    assert SAYS.get(case, "") in line
    assert not MADE.exists()
    assert "antigravity" not in sys.modules
    assert line.startswith(f"weights={path}: ") and "\n" not in line and len(line) < 600, line
    assert "Error" not in line and "Traceback" not in line
    assert megabytes < 500


def test_the_machine_was_given_what_python_would_run(tmp_path):
    """The files above are no straw men: Python's own reader runs the first of them."""
    canary = tmp_path / "canary"
    pickle.loads(streams(canary)["reduce os.system"])
    assert canary.exists()


def test_a_network_beside_a_call_is_read_and_the_call_is_named(tmp_path, capsys):
    canary, path = tmp_path / "canary", tmp_path / "n.pkl"
    values = nvidia_pickle(path, "square_32", canary=canary, extra={"hook": Reduced(os.system, touch(canary))})
    network = load_network(path)
    assert not canary.exists()
    assert "it names posix.system, which no network needs; nothing of it was run" in capsys.readouterr().err
    torch.testing.assert_close(network(values["in/z"]), values["out/img_const"], rtol=1e-4, atol=1e-4)


def test_a_file_cut_anywhere_is_one_line(tmp_path):
    whole = tmp_path / "n.pkl"
    nvidia_pickle(whole, "rect_32x16")
    data = whole.read_bytes()
    for length in [1, 2, 5, 100, *range(1000, len(data) - 1, len(data) // 12), len(data) - 1]:
        path = tmp_path / "cut.pkl"
        path.write_bytes(data[:length])
        line, _ = refusal(path)
        assert "\n" not in line and line.startswith(f"weights={path}: ")


def test_flipped_bits_end_in_a_line_or_in_a_network(tmp_path):
    whole, canary = tmp_path / "n.pkl", tmp_path / "canary"
    nvidia_pickle(whole, "rect_32x16", canary=canary)
    data = whole.read_bytes()
    places = [place for code, argument, place in pickletools.genops(data) if place is not None]
    generator = torch.Generator().manual_seed(0)
    refused = 0
    for _ in range(60):
        place = places[int(torch.randint(len(places), (1,), generator=generator))]
        flipped = bytearray(data)
        flipped[place + int(torch.randint(3, (1,), generator=generator))] ^= 1 << int(
            torch.randint(8, (1,), generator=generator)
        )
        path = tmp_path / "flipped.pkl"
        path.write_bytes(flipped)
        try:
            load_network(path, kind="generator")
        except UserError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 10 and not canary.exists()


def test_a_large_file_takes_no_memory_before_it_is_wanted(tmp_path):
    path = tmp_path / "large.pkl"
    with path.open("wb") as stream:  # sparse: 3 GiB that no disk holds
        stream.write(b"\x80\x04}" + text("G_ema") + b"\x8e" + struct.pack("<Q", 3 << 30))
        stream.seek(3 << 30, io.SEEK_CUR)
        stream.write(b"s.")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(read_records(path)[0]["G_ema"]) == 3 << 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
    assert "holds no network of a known form" in refusal(path)[0]


def test_tensors_that_share_their_numbers_take_no_more_than_the_file(tmp_path):
    values = state(reference("square_32"), "G/")
    large = torch.zeros(1 << 22)
    theirs = rosinality_generator(values)
    shared = {key: large[:1].expand(1) if key.endswith("noise.weight") else value for key, value in theirs.items()}
    for i in range(1, 40):
        shared |= {f"style.{i}.weight": large[: 1 << 20].view(1024, 1024), f"style.{i}.bias": large[:1024]}
    torch.save({"g_ema": shared}, tmp_path / "n.pt")
    assert "more memory than the file has bytes" in refusal(tmp_path / "n.pt")[0]


OTHERS = {
    "StyleGAN-XL": {"mapping.embed_proj.weight": (4, 4), "synthesis.L0.magnitude_ema": ()},
    "UnitedHuman": {"scale_mapping.fc0.weight": (4, 4), "synthesis.L0.magnitude_ema": ()},
    "EG3D": {"backbone.synthesis.b4.const": (4, 4, 4), "decoder.net.weight": (4, 4)},
    "R3GAN": {"Model.MainLayers.0.weight": (4, 4)},
}


@pytest.mark.parametrize("family", OTHERS)
def test_other_families_are_refused_by_name(tmp_path, family):
    tensors = {key: torch.zeros(shape) for key, shape in OTHERS[family].items()}
    path = tmp_path / "n.pkl"
    nvidia_pickle(path, "square_32", change=lambda key, own: own if key == "D" else tensors)
    line, _ = refusal(path)
    assert family in line and line.startswith(f"weights={path}: holds ")


def test_what_a_file_says_is_bounded(tmp_path):
    """Lists that hold the one before 60 times over, eight deep: no number of values that a program could walk."""
    value = 1
    for _ in range(8):
        value = [value] * 60
    path = tmp_path / "n.pkl"
    nvidia_pickle(path, "square_32", extra={"training_set_kwargs": {"a": value, "b": {"c": 3}}})
    began = time.process_time()
    said = read_metadata(path)["training"]
    assert time.process_time() - began < 10
    assert said["a"][0][0] and len(json.dumps(said)) < 20_000


def test_a_file_that_argues_with_endless_values_is_one_line(tmp_path):
    value = (1,)
    for _ in range(60):
        value = (value, value)
    values = nvidia_pickle(tmp_path / "n.pkl", "square_32")
    for name in ("z_dim", "img_resolution", "conv_clamp", "mapping_kwargs", "architecture"):
        arguments = {"z_dim": 32, "w_dim": 32, "img_resolution": 32, name: value}
        network = persistent_network(state(values, "G/"), init_kwargs=arguments)
        nvidia_pickle(tmp_path / "n.pkl", "square_32", extra={"G_ema": network})
        if name in ("z_dim", "img_resolution", "architecture"):
            assert f"{name}=<tuple>" in refusal(tmp_path / "n.pkl")[0]
        else:
            load_network(
                tmp_path / "n.pkl"
            )  # its layers know their clamp; a table of arguments that is none says nothing
