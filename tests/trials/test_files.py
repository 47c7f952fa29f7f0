"""Files that are programs and files that are bombs: one line, exit code 2, nothing executed, little memory taken."""

import hashlib
import json
import re
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
import torch
from PIL import EpsImagePlugin

from insetgan.data.archive import Archive
from insetgan.detection.segmenter import ScriptedSegmenter
from insetgan.metrics.inception import InceptionFeatures
from insetgan.metrics.torchscript import TorchScriptFeatures
from insetgan.networks import Discriminator, Generator
from insetgan.runtime.errors import UserError
from insetgan.weights.plan import planned
from insetgan.weights.script import load_script

SOURCE = Path(__file__).resolve().parents[2] / "src"


def _from_file(path: str, x):
    return torch.from_file(path, shared=True, size=4) + x.sum()


class Plain(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.ReLU())

    def forward(self, x):
        return self.layers(x).mean(dim=[2, 3])


class Writes(torch.nn.Module):
    def __init__(self, path: str):
        super().__init__()
        self.path = path

    def forward(self, x):
        return torch.from_file(self.path, shared=True, size=4)[None].repeat(x.shape[0], 1)


class WritesBelow(torch.nn.Module):
    def __init__(self, path: str):
        super().__init__()
        self.inner = Writes(path)

    def forward(self, x):
        if x.shape[0] > 1000:
            return self.inner(x)
        return x.mean(dim=[2, 3])


class WritesAside(torch.nn.Module):
    def __init__(self, path: str):
        super().__init__()
        self.path = path

    def forward(self, x):
        future = torch.jit.fork(_from_file, self.path, x)
        return torch.jit.wait(future)[None].repeat(x.shape[0], 1)


class WritesOnLoading(torch.nn.Module):
    def __init__(self, path: str):
        super().__init__()
        self.path = path
        self.state = torch.zeros(4)

    def forward(self, x):
        return x.mean(dim=[2, 3])

    @torch.jit.export
    def __getstate__(self):
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]):
        self.path, self.training = state
        self.state = torch.from_file(self.path, shared=True, size=4)


class Saves(torch.nn.Module):
    def __init__(self, path: str):
        super().__init__()
        self.path = path

    def forward(self, x):
        torch.ops.aten.save(x, self.path)
        return x.mean(dim=[2, 3])


class Seeds(torch.nn.Module):
    def __init__(self, path: str):
        super().__init__()

    def forward(self, x):
        torch.manual_seed(1)
        return x.mean(dim=[2, 3])


def scripted(path, network):
    torch.jit.script(network).save(str(path))
    return path


def test_torchscript_asks_for_trust(tmp_path):
    path = scripted(tmp_path / "net.pt", Plain())
    said = r"is a program; {}\.trust=true runs it"
    with pytest.raises(UserError, match=said.format("features")):
        TorchScriptFeatures(path)
    with pytest.raises(UserError, match=said.format("segmenter")):
        ScriptedSegmenter(path, {"face": 1})
    with pytest.raises(UserError, match=said.format("features")):
        InceptionFeatures(path)
    assert TorchScriptFeatures(path, trust=True).num_features == 4


def test_a_file_whose_digest_is_known_needs_no_trust(tmp_path):
    path = scripted(tmp_path / "net.pt", Plain())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert load_script(path, key="features", trust=False, known=[digest])(torch.zeros(2, 3, 4, 4)).shape == (2, 4)


@pytest.mark.parametrize("network", [Writes, WritesBelow, WritesAside, WritesOnLoading, Saves, Seeds])
def test_torchscript_that_writes_is_refused_even_when_trusted(tmp_path, network):
    made = tmp_path / "made"
    path = scripted(tmp_path / "net.pt", network(str(made)))
    for build in (lambda: TorchScriptFeatures(path, trust=True), lambda: ScriptedSegmenter(path, {"a": 0}, trust=True)):
        with pytest.raises(
            UserError, match=r"uses (from_file|save|manual_seed), which does more than compute"
        ) as caught:
            build()
        assert "\n" not in str(caught.value) and not made.exists()


@pytest.mark.parametrize(
    "spelled",
    [
        'getattr(torch, "from_" "file")',
        'getattr(torch, "from\\x5ffile")',
        'getattr(torch, "from_file")',
        "torch . from_file",
        "ops.aten.from_file",
        "ops.c10d.send",
        "torch.classes.a.B",
    ],
)
def test_names_that_are_spelled_otherwise_are_refused_before_loading(tmp_path, spelled, monkeypatch):
    made, path = tmp_path / "made", tmp_path / "net.pt"
    scripted(tmp_path / "first.pt", Writes(str(made)))
    with zipfile.ZipFile(tmp_path / "first.pt") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(
                name, content.replace(b"torch.from_file", spelled.encode()) if name.endswith(".py") else content
            )
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("it was loaded"))
    with pytest.raises(UserError, match="does more than compute"):
        TorchScriptFeatures(path, trust=True)
    assert not made.exists()


def test_graphs_are_looked_at_after_loading_too(tmp_path, monkeypatch):
    monkeypatch.setattr("insetgan.weights.script._refuse_source", lambda *_: None)
    for network in (Writes, WritesBelow, WritesAside, Saves):
        path = scripted(tmp_path / "net.pt", network(str(tmp_path / "made")))
        with pytest.raises(UserError, match=r"uses aten::(from_file|save), which does more"):
            load_script(path, key="features", trust=True)


def test_postscript_is_not_handed_to_ghostscript(tmp_path, monkeypatch):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("it was run"))
    (tmp_path / "a.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 16\n%%EndComments\nshowpage\n%%EOF\n"
    )
    with pytest.raises(UserError, match=r"a\.png cannot be read \(not a whole PNG, JPEG or WebP\)"):
        Archive(tmp_path)


@pytest.mark.parametrize(
    ("call", "allowed"),
    [
        (r"Image\.open\(", {"insetgan/data/picture.py", "insetgan_renderers/people/template.py"}),
        (r"torch\.load\(", {"insetgan/runtime/tensors.py"}),
        (r"jit[).]*load", {"insetgan/weights/script.py"}),
        (r"np\.load\(", set()),
        (r"\bsafe_open\(", {"insetgan/runtime/tensors.py"}),
        (r"zipfile\.ZipFile\((?!.*\"w\")", {
            "insetgan/data/archive.py",
                "insetgan/networks/mobilenet.py", "insetgan/runtime/tensors.py", "insetgan/weights/script.py",
        }),
        (r"\bimport pickle\b(?!tools)", {
            "insetgan/runtime/tensors.py", "insetgan/metrics/inception.py", "insetgan/metrics/perceptual.py",
        }),
        (r"pickle\.loads?\(", set()),
    ],
)  # fmt: skip
def test_files_are_opened_in_one_place_each(call, allowed):
    found = set()
    for path in SOURCE.rglob("*.py"):
        code = re.sub(r'""".*?"""|#.*', "", path.read_text(), flags=re.DOTALL)
        if re.search(call, code):
            found.add(path.relative_to(SOURCE).as_posix())
    assert found <= allowed
    assert all(not re.search(r"Image\.open\((?!.*formats=)", path.read_text()) for path in SOURCE.rglob("*.py"))


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
    "a picture of many pixels": """
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
        "a picture of many pixels": "has more than 134217728 pixels",
        "a network of 8 GB described in a small file": "w_dim=16777216: at most 16384 is built",
        "a checkpoint that asks for memory": "not written by this project's train.py",
    }
    for name, said in expected.items():
        assert said in found[name][1]
