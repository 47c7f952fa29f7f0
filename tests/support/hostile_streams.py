"""Files that would run something, take memory without end, or are damaged, by what they try."""

import io
import os
import pickle
import struct
import subprocess
import tempfile
import warnings
import zipfile
from pathlib import Path

import torch


class Reduced:
    """Pickled as one call."""

    def __init__(self, function, *arguments, state=None):
        self.held = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.held


class Setter:
    """Has a hook for its state; the file sets it."""

    def __init__(self):
        self.a = 1

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
    tuples = b"K\x01\x85q\x000"
    for each in range(60):  # each twice the one before: hashing or walking the last takes years
        tuples += b"h" + bytes([each]) + b"h" + bytes([each]) + b"\x86q" + bytes([each + 1]) + b"0"
    tuples += b"h\x3c"
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
        "build with a hook": pickle.dumps({"G_ema": Setter()}),
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
