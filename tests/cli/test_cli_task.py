"""The work of one run where a launcher sends it, and runs that fail beside others that do not."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import cloudpickle
import pytest
from omegaconf import OmegaConf

from insetgan.cli import app, refine
from insetgan.cli.app import entry, settings_class
from insetgan.cli.task import Task, go_on
from insetgan.runtime.errors import Stopped, UserError


def test_a_task_arrives_in_another_process_as_what_was_typed(tmp_path):
    sent = tmp_path / "task.pkl"
    sent.write_bytes(cloudpickle.dumps(Task("refine", ["-m", "trunc=0.5,0.7"], settings_class("refine"))))
    code = (
        "import cloudpickle, omegaconf\n"
        f"task = cloudpickle.load(open({str(sent)!r}, 'rb'))\n"
        "print(task.name, task.arguments, task.sent, omegaconf.OmegaConf.has_resolver('command'))"
    )
    arrived = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert arrived == "refine ('-m', 'trunc=0.5,0.7') True True\n"


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
    monkeypatch.chdir(tmp_path)
    work = refine.run

    def run(config):
        if config.trunc == 0.5:
            raise UserError("it rains <here>")
        return work(config)

    monkeypatch.setattr(refine, "run", run)
    arguments = ["-m", "trunc=0.4,0.5,0.6", *tiny_networks.values(), "seeds=0", "steps=2", "trainer.num_threads=1"]
    with pytest.raises(SystemExit) as end:
        entry("refine", arguments)
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert error.splitlines()[-1] == "error: 1 of 3 runs failed, the first: it rains <here>"
    assert "Traceback" not in error
    (folder,) = Path("outputs/sweeps").iterdir()
    notes = [json.loads((folder / ".runs" / f"{number}.json").read_text()) for number in range(3)]
    assert [(note["state"], note["said"]) for note in notes] == [
        ("completed", ""), ("failed", "it rains <here>"), ("completed", ""),
    ]  # fmt: skip
    assert "it rains &lt;here&gt;" in (folder / "sweep.html").read_text()


def test_a_stop_while_the_command_still_starts_is_a_line(monkeypatch, capsys):
    def stopped(name):
        raise Stopped(signal.SIGUSR2)

    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr(app, "settings_class", stopped)
    with pytest.raises(SystemExit) as end:
        entry("refine", [])
    assert end.value.code == 128 + signal.SIGUSR2
    assert capsys.readouterr().err.startswith("stopped by SIGUSR2; what is finished is kept")
