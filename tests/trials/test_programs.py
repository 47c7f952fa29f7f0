"""Files that are programs: one line, exit code 2, nothing executed."""

import hashlib
import re
import zipfile
from pathlib import Path

import pytest
import torch
from PIL import EpsImagePlugin

from insetgan.data.archive import Archive
from insetgan.detection.segmenter import ScriptedSegmenter
from insetgan.metrics.inception import InceptionFeatures
from insetgan.metrics.torchscript import TorchScriptFeatures
from insetgan.runtime.errors import UserError
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
        (r"Image\.open\(", {"insetgan/data/image.py", "insetgan_renderers/people/template.py"}),
        (r"torch\.load\(", {"insetgan/runtime/tensors.py"}),
        (r"jit[).]*load", {"insetgan/weights/script.py"}),
        (r"np\.load\(", set()),
        (r"\bsafe_open\(", {"insetgan/runtime/tensors.py"}),
        (r"zipfile\.ZipFile\((?!.*\"w\")", {
            "insetgan/data/archive.py",
                "insetgan/networks/mobilenet.py", "insetgan/runtime/tensors.py", "insetgan/weights/script.py",
                "insetgan/weights/published/containers.py",
        }),
        (r"\bimport pickle\b(?!tools)", {
            "insetgan/runtime/tensors.py", "insetgan/metrics/inception.py", "insetgan/metrics/perceptual.py",
                "insetgan/weights/published/writing.py",  # which only writes
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
