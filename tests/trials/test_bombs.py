"""Files that are bombs: one line, exit code 2, little memory taken."""

import json
import subprocess
import sys
import textwrap

import pytest

from insetgan.networks import Discriminator, Generator
from insetgan.weights.plan import planned


@pytest.mark.parametrize(
    ("kind", "settings"),
    [(Generator, {"height": 32, "width": 16, "c_dim": 3}), (Discriminator, {"height": 32, "width": 32, "c_dim": 2})],
)
def test_a_plan_has_the_names_shapes_and_types_of_the_network(kind, settings):
    with planned():
        plan = kind(**settings, channel_base=256, channel_max=16)
    real = kind(**settings, channel_base=256, channel_max=16)
    described = [{name: (t.shape, t.dtype) for name, t in each.state_dict().items()} for each in (plan, real)]
    assert described[0] == described[1]
    assert all(parameter.is_meta for parameter in plan.parameters())


BOMBS = {
    "a zip of 3 MB with a member of 3 GB": """
        block = zlib.compressobj(9, zlib.DEFLATED, -15)
        piece = block.compress(bytes(1 << 20)) + block.flush(zlib.Z_FULL_FLUSH)
        body, count, name = piece * 3072 + block.flush(zlib.Z_FINISH), 3072 << 20, b"a.png"
        fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, 0, len(body), count, len(name), 0)
        local = b"PK\\3\\4" + fields + name + body
        central = b"PK\\1\\2" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
        end = b"PK\\5\\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
        Path("a.zip").write_bytes(local + central + end)
        assert os.path.getsize("a.zip") < 4 << 20
        Archive("a.zip")
    """,
    "a member that is larger than its header says": """
        with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("a.webp", bytes(800 << 20))
        data = Path("a.zip").read_bytes().replace(struct.pack("<I", 800 << 20), struct.pack("<I", 100))
        Path("a.zip").write_bytes(data)
        del data
        reset()
        Archive("a.zip").image(0)
    """,
    "JSON of nothing but brackets": """
        with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("a.png", b"x")
            file.writestr("parts.json", b"[" + b"[]," * (16 << 20) + b"[]]")
        reset()
        Archive("a.zip")
    """,
    "an image of many pixels": """
        def chunk(kind, content):
            return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
        Path("a.png").write_bytes(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9))))
        Archive(".").image(0)
    """,
    "a network of 8 GB described in a small file": """
        about = {"kind": "generator", "architecture": json.dumps({"height": 16, "width": 16, "w_dim": 2**24})}
        save_file({"a": torch.zeros(2)}, "a.safetensors", metadata=about)
        load_network("a.safetensors")
    """,
    "a network within the bounds that is not the file's": """
        about = {"kind": "generator", "architecture": json.dumps({"height": 64, "width": 64, "w_dim": 16384, "z_dim": 16384})}
        save_file({"a": torch.zeros(2)}, "a.safetensors", metadata=about)
        load_network("a.safetensors")
    """,
    "weights with a header of 80 MB": """
        header = json.dumps({"__metadata__": {"a": "x" * (80 << 20)}}).encode()
        Path("a.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
        del header
        reset()
        load_network("a.safetensors")
    """,
    "a checkpoint whose tensors are packed": """
        torch.save({"state_dict": {"cur_nimg": torch.zeros(200 << 20)}}, "b.ckpt")
        with zipfile.ZipFile("b.ckpt") as old, zipfile.ZipFile("a.ckpt", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
            for name in old.namelist():
                with old.open(name) as source, new.open(name, "w") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
        reset()
        read_checkpoint(Path("a.ckpt"))
    """,
    "a checkpoint that asks for memory": """
        class Bomb:
            def __reduce__(self):
                return bytearray, (2 << 30,)
        torch.save({"state_dict": {"cur_nimg": Bomb()}}, "a.ckpt")
        read_checkpoint(Path("a.ckpt"))
    """,
    "an array that claims to be long": """
        with zipfile.ZipFile("a.npz", "w", zipfile.ZIP_DEFLATED) as file:
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1, 9, 1 << 28)})
            file.writestr("w.npy", header.getvalue())
        read_codes("a.npz", "canvas", [0], key="canvas.start")
    """,
    "an array that is zeros": """
        with zipfile.ZipFile("a.npz", "w", zipfile.ZIP_DEFLATED) as file, file.open("w.npy", "w") as target:
            np.lib.format.write_array(target, np.zeros((1, 64, 1 << 21)))
        reset()
        read_codes("a.npz", "canvas", [0], key="canvas.start")
    """,
}

HARNESS = """
import io, json, os, resource, shutil, struct, sys, warnings, zipfile, zlib
from pathlib import Path
import numpy as np, torch
from safetensors.torch import save_file
from insetgan.data.archive import Archive
from insetgan.refine.latent_file import read_codes
from insetgan.runtime.errors import UserError
from insetgan.training.checkpoint import read_checkpoint
from insetgan.weights.store import load_network

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM"))

def reset():
    global before
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = peak()

os.chdir(sys.argv[1])
for name, body in json.load(sys.stdin).items():
    os.mkdir(name)
    os.chdir(name)
    reset()
    try:
        exec(body, dict(globals()))
    except ValueError as error:
        print(json.dumps([name, peak() - before, str(error)]), flush=True)
    os.chdir("..")
    shutil.rmtree(name)
"""


def test_bombs_take_little_memory(tmp_path):
    bodies = {name: textwrap.dedent(body) for name, body in BOMBS.items()}
    result = subprocess.run(
        [sys.executable, "-c", HARNESS, tmp_path], input=json.dumps(bodies), capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr[-2000:]
    found = {name: (grown, said) for name, grown, said in map(json.loads, result.stdout.splitlines())}
    assert list(found) == list(BOMBS), "each is refused"
    assert {name: grown for name, (grown, _) in found.items() if grown > 200} == {}, "MiB"
    assert all(said and "\n" not in said for _, said in found.values())
    expected = {
        "a zip of 3 MB with a member of 3 GB": "at most 200 times as much is believed",
        "an image of many pixels": "has more than 134217728 pixels",
        "a network of 8 GB described in a small file": "w_dim=16777216: at most 16384 is built",
        "a checkpoint that asks for memory": "not written by this project's train.py",
    }
    for name, said in expected.items():
        assert said in found[name][1]


@pytest.mark.parametrize(
    ("name", "overrides", "said"),
    [
        ("generate", ["mix=[0-100000,0-100000]"], "mix=[0-100000,0-100000]: 10000400003 images, at most 1000000 a run"),
        ("generate", ["walk=0-999999", "frames=10000"], "frames=10000 walk=0-999999: 9999990001 images"),
        ("generate", ["seeds=0-999999", "trunc=0.1,0.2"], "trunc=0.1,0.2 seeds=0-999999: 2000000 images"),
        ("refine", ["walk=10000", "seeds=0-999999"], "walk=10000 seeds=0-999999: 9999990001 images"),
        ("complete", ["seeds=0-999999"], "seeds=0-999999 data.path=None: 16000000 images"),
    ],
)
def test_settings_that_are_multiplied_are_counted_before_anything_is_listed(refused, name, overrides, said):
    refused(said, name, *overrides)
