"""Files that would run something, take memory without end, or are damaged: nothing runs, and each is one clear line."""

import io
import os
import pickle
import pickletools
import resource
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from published_streams import nvidia_pickle, reference, rosinality_generator, state

from insetgan.runtime.errors import UserError
from insetgan.weights.published.containers import read_records
from insetgan.weights.store import load_network


class Reduced:
    """Pickled as one call."""

    def __init__(self, function, *arguments, state=None):
        self.held = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.held


class Setter:
    """Has a hook for its state; the file sets it."""

    def __setstate__(self, state):
        raise AssertionError("the state was set")


def touch(path):
    return f"touch {path}"


def name(module, function):
    return b"c" + module.encode() + b"\n" + function.encode() + b"\n"


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def binary(value):
    return b"B" + struct.pack("<I", len(value)) + value


def streams(canary):
    """Hostile pickles by what they try; each would run `touch CANARY` or the like, or take what there is not."""
    shell = touch(canary)
    call = text(shell) + b"\x85R"
    code = f"open({str(canary)!r}, 'w').write('x')"
    persistent = name("torch_utils.persistence", "_reconstruct_persistent_obj")
    meta = {"type": "class", "version": 6, "module_src": code, "class_name": "Generator"}
    tuples = b"K\x01\x85q\x00" + b"".join(
        b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(60)
    )
    storage = io.BytesIO()
    torch.save(torch.zeros(4).untyped_storage(), storage, _use_new_zipfile_serialization=False)
    blob = io.BytesIO()
    with warnings.catch_warnings(
        action="ignore", category=UserWarning
    ):  # the form is old, and what tensors are pickled by
        torch.save(torch.zeros(4).storage(), blob, _use_new_zipfile_serialization=False)
    inner = blob.getvalue()
    load = name("torch.storage", "_load_from_bytes")
    tensor = name("torch._utils", "_rebuild_tensor_v2")
    return {
        "reduce os.system": pickle.dumps(Reduced(os.system, shell)),
        "reduce posix.system in G_ema": pickle.dumps({"G_ema": Reduced(os.system, shell)}),
        "reduce eval": pickle.dumps({"G_ema": Reduced(eval, code)}),
        "reduce exec": pickle.dumps({"G_ema": Reduced(exec, code)}),
        "reduce Popen": pickle.dumps({"G_ema": Reduced(subprocess.Popen, ["touch", str(canary)])}),
        "protocol 0 reduce": b"cos\nsystem\n(S'" + shell.encode() + b"'\ntR.",
        "inst": b"(S'" + shell.encode() + b"'\nios\nsystem\n.",
        "obj": b"(cos\nsystem\n" + text(shell) + b"o.",
        "newobj": b"\x80\x02cos\nsystem\n" + text(shell) + b"\x85\x81.",
        "newobj_ex": b"\x80\x04cos\nsystem\n" + text(shell) + b"\x85}\x92.",
        "newobj_ex with names": b"\x80\x04cos\nsystem\n)}" + text("command") + text(shell) + b"s\x92.",
        "stack_global": b"\x80\x04" + text("os") + text("system") + b"\x93" + call + b".",
        "dotted name": b"\x80\x04" + text("insetgan") + text("os.system") + b"\x93" + call + b".",
        "attribute walk": b"\x80\x04" + text("torch") + text("serialization.os.system") + b"\x93" + call + b".",
        "getattr": b"\x80\x02"
        + name("builtins", "getattr")
        + name("os", "path")
        + text("system")
        + b"\x86R"
        + call
        + b".",
        "pkgutil.resolve_name": b"\x80\x02"
        + name("pkgutil", "resolve_name")
        + text("os:system")
        + b"\x85R"
        + call
        + b".",
        "resolve_name alone": b"\x80\x02" + name("pkgutil", "resolve_name") + text("os:system") + b"\x85R.",
        "importlib": b"\x80\x02" + name("importlib", "import_module") + text("antigravity") + b"\x85R.",
        "call, then pop": b"\x80\x02cos\nsystem\n" + call + b"0}.",
        "call in memo": b"\x80\x02cos\nsystem\n" + call + b"q\x000}" + text("G_ema") + b"h\x00s.",
        "build": b"\x80\x02" + name("collections", "Counter") + b")\x81}" + text("x") + b"K\x01sb.",
        "build with a hook": pickle.dumps({"G_ema": Reduced(object.__new__, Setter, state={"a": 1})}),
        "build of a name": b"\x80\x02cos\nsystem\n}" + text("__call__") + b"K\x01sb.",
        "build of a list": b"\x80\x02]}" + text("append") + b"K\x01sb.",
        "setattr": b"\x80\x02" + name("builtins", "setattr") + name("os", "path") + text("join") + b"K\x01\x87R.",
        "embedded source": b"\x80\x02" + persistent + pickle.dumps(meta, 2)[2:-1] + b"\x85R.",
        "embedded source in a module": b"\x80\x02}"
        + text("G_ema")
        + persistent
        + pickle.dumps({**meta, "state": {"_parameters": {}, "_modules": {"mapping": 3}}}, 2)[2:-1]
        + b"\x85Rs.",
        "extension registry, one byte": b"\x80\x02\x82\x01.",
        "extension registry, two bytes": b"\x80\x02\x83\x01\x00.",
        "extension registry, four bytes": b"\x80\x02\x84\x01\x00\x00\x00.",
        "persistent id": b"\x80\x02" + text("os.system") + b"Q.",
        "persistent id in text": b"Pos.system\n.",
        "buffer outside": b"\x80\x05\x97.",
        "read-only buffer": b"\x80\x05K\x01\x98.",
        "bytearray of 8 EiB": b"\x80\x05\x96" + struct.pack("<Q", 1 << 62) + b"x.",
        "bytes of 8 EiB": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"x.",
        "text of 8 EiB": b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + b"x.",
        "number of 2 GiB": b"\x80\x02\x8b\xff\xff\xff\x7f.",
        "number in text": b"L" + b"9" * 50_000 + b"L\n.",
        "frame of 8 EiB": b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"K\x01.",
        "memo at 4 billion": b"\x80\x02]r\xff\xff\xff\xff.",
        "memo that is not there": b"\x80\x02h\x07.",
        "bytearray by a call": b"\x80\x02" + name("builtins", "bytearray") + b"\x8a\x05\x00\x00\x00\x00\x10\x85R.",
        "doubled tuples as a key": b"\x80\x02}" + tuples + b"K\x01s.",
        "doubled tuples in a set": b"\x80\x04\x8f(" + tuples + b"\x90.",
        "doubled tuples as weights": b"\x80\x02}" + text("G_ema") + tuples + b"s.",
        "lists in lists": b"\x80\x02" + b"]" * 250_000 + b"a" * 249_999 + b".",
        "sets without end": b"\x80\x04" + b"\x8f" * 1_000_000 + b".",
        "marks without end": b"(" * 1_000_000 + b".",
        "pop of nothing": b"\x80\x020.",
        "no argument": b"\x80\x02cos\nsystem\nR.",
        "list that holds itself": b"\x80\x02]q\x00h\x00a.",
        "table that holds itself": b"\x80\x02}q\x00" + text("G_ema") + b"h\x00s.",
        "storage in a storage": b"\x80\x02" + load + binary(b"\x80\x02" + load + binary(inner) + b"\x85R.") + b"\x85R.",
        "storage without type": b"\x80\x02" + load + binary(storage.getvalue()) + b"\x85R.",
        "storage that calls": b"\x80\x02" + load + binary(b"\x80\x02cos\nsystem\n" + call + b".") + b"\x85R.",
        "storage cut short": b"\x80\x02" + load + binary(inner[:-4]) + b"\x85R.",
        "tensor beyond its storage": b"\x80\x02"
        + tensor
        + b"("
        + load
        + binary(inner)
        + b"\x85R"
        + b"K\x00(\x8a\x05\x00\x00\x00\x00\x10t(K\x01t\x89}tR.",
        "tensor that repeats": b"\x80\x02"
        + tensor
        + b"("
        + load
        + binary(inner)
        + b"\x85R"
        + b"K\x00(\x8a\x05\x00\x00\x00\x00\x10t(K\x00t\x89}tR.",
        "tensor before its storage": b"\x80\x02"
        + tensor
        + b"("
        + load
        + binary(inner)
        + b"\x85R"
        + b"\x8a\x01\xff(K\x01t(K\x01t\x89}tR.",
        "unknown opcode": b"\x80\x02\xff.",
        "no end": b"\x80\x02}",
        "more after its end": b"\x80\x02}.cos\nsystem\n" + call + b".",
        "nothing": b"",
        "web page": b"<!DOCTYPE html><html><body>Virus scan warning</body></html>",
        "text of words": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    }


def zips(canary):
    """Hostile zips of PyTorch's form."""
    inner = pickle.dumps(Reduced(os.system, touch(canary)), 2)
    storage = (
        b"\x80\x02"
        + name("torch._utils", "_rebuild_tensor_v2")
        + b"(("
        + text("storage")
        + name("torch", "FloatStorage")
        + text("0")
        + text("cpu")
        + b"\x8a\x05\x00\x00\x00\x00\x10tQK\x00(K\x04t(K\x01t\x89}tR."
    )

    def packed(members, method=zipfile.ZIP_STORED):
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", method) as archive:
            for member, data in members.items():
                archive.writestr(member, data)
        return whole.getvalue()

    return {
        "zip with a call": packed({"a/data.pkl": inner}),
        "zip bomb": packed({"a/data.pkl": b"\x80\x02}.", "a/data/0": b"\0" * (1 << 25)}, zipfile.ZIP_DEFLATED),
        "zip of a packed pickle": packed({"a/data.pkl": b"\x80\x02}."}, zipfile.ZIP_DEFLATED),
        "zip that leads out": packed({"../../data.pkl": b"\x80\x02}."}),
        "zip with a root": packed({"/etc/data.pkl": b"\x80\x02}."}),
        "zip without a pickle": packed({"a/readme": b""}),
        "zip of a program": packed(
            {"a/data.pkl": b"\x80\x02}.", "a/constants.pkl": b"\x80\x02}.", "a/code/a.py": b"x"}
        ),
        "zip with a false storage": packed({"a/data.pkl": storage, "a/data/0": b"\0" * 16}),
        "zip without a storage": packed({"a/data.pkl": storage}),
        "zip of other bytes": packed({"a/data.pkl": b"\x80\x02}.", "a/byteorder": b"big"}),
        "zip cut short": packed({"a/data.pkl": b"\x80\x02}."})[:-10],
    }


MADE = Path(tempfile.mkdtemp(prefix="insetgan-hostile-")) / "canary"
CASES = streams(MADE) | zips(MADE)


def refusal(path):
    """The line for a file, and the megabytes of memory that reading it took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError) as error:
        load_network(path)
    return str(error.value), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def test_there_are_enough():
    assert len(CASES) > 70


@pytest.mark.timeout(10)
@pytest.mark.parametrize("case", CASES)
def test_nothing_runs_and_one_line_says_why(tmp_path, monkeypatch, case):
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(pickle, "load", None)
    path = tmp_path / "network.pkl"
    path.write_bytes(CASES[case])
    line, megabytes = refusal(path)
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
    "StyleGAN3's alias-free generator": {"synthesis.L0_36_512.magnitude_ema": (), "synthesis.input.freqs": (4, 2)},
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
