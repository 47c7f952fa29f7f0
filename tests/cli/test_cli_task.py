"""The work of one run where a launcher sends it, and runs that fail beside others that do not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cloudpickle
import pytest
from omegaconf import OmegaConf

from insetgan.cli.app import entry, settings_class
from insetgan.cli.task import Task, go_on

ROOT = Path(__file__).resolve().parents[2]


def test_a_task_arrives_in_another_process_as_what_was_typed(tmp_path):
    sent = tmp_path / "task.pkl"
    sent.write_bytes(cloudpickle.dumps(Task("refine", ["-m", "trunc=0.5,0.7"], settings_class("refine"))))
    code = (
        "import cloudpickle, sys, omegaconf\n"
        f"task = cloudpickle.load(open({str(sent)!r}, 'rb'))\n"
        "print(task.name, task.arguments, task.sent, omegaconf.OmegaConf.has_resolver('command'), 'torch' in sys.modules)"
    )
    arrived = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert arrived == "refine ('-m', 'trunc=0.5,0.7') True True False\n"


def test_a_job_that_slurm_runs_again_begins_nothing_anew(monkeypatch, capsys):
    config = OmegaConf.create({"overwrite": True, "resume": "none", "other": True})
    monkeypatch.delenv("SLURM_RESTART_COUNT", raising=False)
    go_on(config)
    assert config == {"overwrite": True, "resume": "none", "other": True}
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    go_on(config)
    assert config == {"overwrite": False, "resume": "auto", "other": True}
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_run_that_fails_does_not_stop_the_others(tiny_networks, tmp_path, monkeypatch, capsys):
    """The second run finds a folder that holds something else, which is seen only when its turn comes."""
    monkeypatch.chdir(tmp_path)
    refine = [*tiny_networks.values(), "seeds=0", "steps=2", "trainer.num_threads=1"]
    monkeypatch.setattr(sys, "argv", ["refine.py", "-m", "trunc=0.4,0.5,0.6", *refine])
    entry("refine")
    (folder,) = Path("outputs/sweeps").iterdir()
    broken = next(folder.glob("1_*"))
    for path in sorted(broken.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    broken.rmdir()
    broken.write_text("no folder")
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        entry("refine")
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert "1 of 3 runs failed, the first: " in error.splitlines()[-1]
    assert "Traceback" not in error
    notes = [json.loads((folder / ".runs" / f"{number}.json").read_text()) for number in range(3)]
    assert [note["state"] for note in notes] == ["completed", "failed", "completed"]
    assert os.fspath(broken.name) in notes[1]["said"]
    assert notes[1]["said"] in (folder / "sweep.html").read_text().replace("&#39;", "'").replace("&#34;", '"')
