"""Bad weights, checkpoints and arrays of many kinds, each given to a command: one line, exit code 2, nothing runs."""

import io
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from insetgan.networks import Generator
from insetgan.weights.store import save_network

ROOT = Path(__file__).resolve().parents[2]


SHAPE = {"height": 16, "width": 8, "z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 64, "channel_max": 8}


def network(**changes):
    """A maker of weights whose tensors or description is changed: by name a tensor, None to drop it, or `about`."""

    def make():
        save_network("w.safetensors", Generator(**SHAPE), kind="generator")
        with safe_open("w.safetensors", framework="pt") as file:
            about, state = dict(file.metadata()), {key: file.get_tensor(key) for key in file.keys()}
        about |= changes.get("about", {})
        for key, change in changes.get("tensors", {}).items():
            state[key] = change(state.get(key)) if change else None
        save_file({k: v for k, v in state.items() if v is not None}, "w.safetensors", metadata=about)

    return make


def described(**changes):
    return network(about={"architecture": json.dumps({**SHAPE, **changes})})


def weights(content):
    return lambda: Path("w.safetensors").write_bytes(content)


FC = "mapping.fc0.weight"
WEIGHTS = {
    "text": weights(b"hello"),
    "nothing": weights(b""),
    "a header of 2**60 bytes": weights(struct.pack("<Q", 1 << 60) + b"{}"),
    "a header that is no JSON": weights(struct.pack("<Q", 8) + b"{{{{{{{{"),
    "tensors beyond the end": weights(
        struct.pack("<Q", 64) + json.dumps({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}).encode().ljust(64)
    ),
    "a folder": lambda: Path("w.safetensors").mkdir(),
    "a pickle": lambda: Path("w.safetensors").write_bytes(pickle.dumps({"a": 1})),
    "no network": lambda: save_file({"a": torch.zeros(2)}, "w.safetensors"),
    "another kind": network(about={"kind": "os.system"}),
    "a kind with control characters": network(about={"kind": "\x1b[31mgenerator\n"}),
    "w_dim 2**24": described(w_dim=2**24),
    "z_dim 10**18": described(z_dim=10**18),
    "a billion layers": described(mapping_layers=10**9),
    "height 2**40": described(height=2**40),
    "height minus 16": described(height=-16),
    "height nan": network(about={"architecture": json.dumps(SHAPE).replace("16", "NaN")}),
    "width of text": described(width="8"),
    "w_dim of a half": described(w_dim=8.5),
    "w_dim of a list": described(w_dim=[8]),
    "an argument too many": described(evil=1),
    "a description that is a list": network(about={"architecture": "[1, 2]"}),
    "a description 100000 deep": network(about={"architecture": "[" * 100_000 + "]" * 100_000}),
    "a description that is no JSON": network(about={"architecture": "{"}),
    "no description": network(about={"architecture": "{}"}),
    "another width than the tensors": described(w_dim=16),
    "a tensor missing": network(tensors={FC: None}),
    "a tensor too many": network(tensors={"evil\n\x1b[31m": lambda _: torch.zeros(1)}),
    "a tensor of another shape": network(tensors={FC: lambda given: given[:4].clone()}),
    "whole numbers": network(tensors={FC: lambda given: given.int()}),
    "float64": network(tensors={FC: lambda given: given.double()}),
    "bfloat16": network(tensors={FC: lambda given: given.bfloat16()}),
    "truth values": network(tensors={FC: lambda given: given > 0}),
}  # fmt: skip


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights(run, name):
    WEIGHTS[name]()
    code, lines = run("train", "+model=body", "init=w.safetensors", "data.height=16", "data.width=8", "recipe.z_dim=8")
    assert code == 2 and len(lines) == 1 and lines[0].startswith("error: "), lines
    assert len(lines[0]) < 2000 and lines[0].isprintable()
    if name in ("whole numbers", "float64", "bfloat16", "truth values"):
        assert f"{FC} holds " in lines[0] and "must hold F32 or F16" in lines[0]


class Runs:
    def __reduce__(self):
        return os.mkdir, ("made",)


class Asks:
    def __reduce__(self):
        return bytearray, (1 << 40,)


def packed():
    torch.save({"state_dict": {"cur_nimg": torch.zeros(1 << 20)}}, "b")
    with zipfile.ZipFile("b") as old, zipfile.ZipFile("c.ckpt", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))


CHECKPOINTS = {
    "text": lambda: Path("c.ckpt").write_text("hello"),
    "nothing": lambda: Path("c.ckpt").write_text(""),
    "an image": lambda: Path("c.ckpt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99)),
    "a pickle that runs": lambda: torch.save({"state_dict": {"cur_nimg": Runs()}}, "c.ckpt"),
    "an old pickle that runs": lambda: torch.save(Runs(), "c.ckpt", _use_new_zipfile_serialization=False),
    "a bare pickle that runs": lambda: Path("c.ckpt").write_bytes(pickle.dumps(Runs())),
    "a pickle that asks for memory": lambda: torch.save({"state_dict": {"cur_nimg": Asks()}}, "c.ckpt"),
    "packed tensors": packed,
    "other content": lambda: torch.save([1, 2], "c.ckpt"),
    "a tensor for a table": lambda: torch.save(torch.zeros(3), "c.ckpt"),
    "no networks": lambda: torch.save({"state_dict": {"cur_nimg": torch.tensor(3)}}, "c.ckpt"),
    "minus one image": lambda: torch.save({"state_dict": {"cur_nimg": torch.tensor(-1)}}, "c.ckpt"),
    "a folder": lambda: Path("c.ckpt").mkdir(),
}  # fmt: skip


@pytest.mark.parametrize("key", ["init", "resume"])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints(run, name, key):
    CHECKPOINTS[name]()
    code, lines = run("train", "+model=body", f"{key}=c.ckpt", "data.height=16", "data.width=8", "recipe.z_dim=8")
    assert code == 2 and len(lines) == 1 and lines[0].startswith("error: "), lines
    assert not Path("made").exists()


def npz(**arrays):
    return lambda: np.savez("w.npz", **arrays)


def claimed(shape, descr="<f4", body=b"", member="w.npy"):
    def make():
        stream = io.BytesIO()
        np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
        with zipfile.ZipFile("w.npz", "w") as file:
            file.writestr(member, stream.getvalue() + body)

    return make


ARRAYS = {
    "text": lambda: Path("w.npz").write_text("hello"),
    "another name": npz(x=np.zeros((1, 2, 8), np.float32)),
    "another shape": npz(w=np.zeros(8, np.float32)),
    "objects that run": npz(w=np.array([[[Runs()]]], dtype=object)),
    "text for numbers": npz(w=np.array([[["a"]]])),
    "a length that is not there": claimed((1, 2**31, 2**31)),
    "a negative length": claimed((1, -4, 8)),
    "nothing behind the header": claimed((1, 4, 8)),
    "a header that is code": lambda: zipfile.ZipFile("w.npz", "w").writestr(
        "w.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 24) + b"__import__('os').getcwd()"[:24]
    ),
    "a name that climbs": claimed((1,), member="../w.npy"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(run, name):
    ARRAYS[name]()
    code, lines = run("refine", "canvas.start=w.npz", "seeds=0", "steps=1")
    assert code == 2 and len(lines) == 1 and lines[0].startswith("error: "), lines
    assert not Path("made").exists()
