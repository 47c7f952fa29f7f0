"""The allocator's setting, in a process of its own, by the allocator's own books."""

import ctypes
import json
import subprocess
import sys

import pytest

from insetgan.runtime.memory import keep_freed_memory

PROGRAM = """
import ctypes, json, sys, torch
from insetgan.runtime.memory import keep_freed_memory

class Books(ctypes.Structure):  # struct mallinfo2 of malloc.h
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Books
if sys.argv[1] == "keep":
    assert keep_freed_memory()
start = mallinfo()
tensor = torch.ones(4_000_000)
held = mallinfo()
del tensor
freed = mallinfo()
print(json.dumps({"mapped": held.hblkhd - start.hblkhd, "kept": freed.arena - start.arena}))
"""

glibc = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="the setting is glibc's, and its books can be read from glibc 2.33 on",
)


MOST = 15_000_000  # bytes of a tensor of 16 MB that must show; a little comes from memory that is free already


def books(setting: str) -> dict[str, int]:
    result = subprocess.run([sys.executable, "-c", PROGRAM, setting], capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


@glibc
def test_a_large_tensor_is_mapped_afresh_and_given_back_by_default():
    assert books("default")["mapped"] >= MOST


@glibc
def test_a_large_tensor_lies_in_memory_that_is_kept():
    kept = books("keep")
    assert kept["mapped"] == 0
    assert kept["kept"] >= MOST


def test_other_allocators_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
