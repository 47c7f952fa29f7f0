"""Shards: how seeds are cut, tar files without a trace of the machine, claims, and medians that need little memory."""

import subprocess
import sys
import tarfile

import pytest

from insetgan.refine.shards import cut_seeds
from insetgan.refine.summary import summarise
from insetgan.refine.summary_columns import SummaryColumns
from insetgan.runtime.claims import Claims
from insetgan.runtime.tars import write_tar

HOLDER = """
import sys
from pathlib import Path
from insetgan.runtime.claims import Claims
claims = Claims(Path(sys.argv[1]))
with claims.present(), claims.take("a") as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


def test_seeds_are_cut_evenly_and_in_order():
    shares = cut_seeds(list(range(100, 110)), 4)
    assert [list(share) for share in shares] == [[100, 101], [102, 103, 104], [105, 106], [107, 108, 109]]


def test_a_tar_says_nothing_of_the_machine(tmp_path):
    members = [("1.json", b"{}\n"), ("1.png", bytes(700))]
    places = dict(write_tar(tmp_path / "a.tar", iter(members)))
    # A header of 512 bytes before each member, whose content fills whole blocks of 512.
    assert places == {"1.json": (512, 3), "1.png": (1536, 700)}
    content = (tmp_path / "a.tar").read_bytes()
    assert content[512:515] == b"{}\n" and content[1536:2236] == bytes(700)
    with tarfile.open(tmp_path / "a.tar") as tar:
        for info in tar:
            assert (info.mtime, info.uid, info.gid, info.uname, info.gname, info.mode) == (0, 0, 0, "", "", 0o644)
    list(write_tar(tmp_path / "b.tar", iter(members)))
    assert (tmp_path / "b.tar").read_bytes() == content


def test_a_piece_of_work_is_one_process_at_a_time_and_free_after_a_kill(tmp_path):
    claims = Claims(tmp_path / "claims")
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "claims")], stdin=-1, stdout=-1, text=True)
    assert holder.stdout.readline() == "True\n"
    with claims.take("a") as mine, claims.take("b") as free:
        assert (mine, free) == (False, True)
    assert claims.taken("a") and claims.others() == 1
    holder.kill()
    holder.wait()
    assert not claims.taken("a") and claims.others() == 0
    assert not list((tmp_path / "claims").glob("worker-*"))


@pytest.mark.parametrize("count", [1, 2, 9, 10_001])
def test_medians_are_those_of_all_records(tmp_path, count):
    def record(number):
        started = number % 5 > 0
        seam = {"face": number * 7 % 23 + 0.5, "feet": None if number % 2 else float(number % 11)}
        whole = {"seam_before": seam, "seam_after": seam, "band_before": seam, "band_after": seam, "part_change": seam}
        numbers = {**whole, "body_change": number % 13 / 8} if started else dict.fromkeys([*whole, "body_change"])
        status = "ok" if started else "no_part_found"
        missing = ("feet",) if number % 2 else ()
        beside = {"spread": None, "objective": None if number == 3 else number / 3, "steps": number % 4}
        return {"status": status, "missing": missing, **beside, **numbers}

    columns, records = SummaryColumns(tmp_path), [record(number) for number in range(count)]
    for each in records:
        columns.add(each)
    assert columns.summary() == summarise(records)
    assert columns.count == count and columns.missing["feet"] == count // 2
