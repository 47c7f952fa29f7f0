"""Where the curves of a training run go, and its log file."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from insetgan.cli import loggers
from insetgan.cli.build import instantiate
from insetgan.runtime.errors import UserError
from insetgan.runtime.lightning import pl


@pytest.mark.parametrize("name", ["wandb", "tensorboard"])
def test_a_missing_package_is_named_before_the_work(name, train, body, assert_one_line, monkeypatch, tmp_path):
    monkeypatch.setattr(loggers, "find_spec", lambda package: None if package == name else SimpleNamespace())
    result = train(*body, f"logger={name}", "features=none", f"out={tmp_path}/run", "trainer.max_kimg=0.004")
    assert_one_line(result, f"logger={name}: needs the package {name}: pip install 'insetgan[{name}]'")
    assert not (tmp_path / "run").exists()


def test_a_package_that_only_words_name_is_not_called_none(monkeypatch):
    """Lightning raises ModuleNotFoundError without the module's name."""

    def refuse(*_, **__):
        raise ModuleNotFoundError("Requirement 'comet-ml' not met. HINT: Try running `pip install comet-ml`")

    monkeypatch.setattr("pytorch_lightning.loggers.CSVLogger.__init__", refuse)
    with pytest.raises(UserError, match=r"^logger\.comet: Requirement 'comet-ml' not met"):
        node = OmegaConf.create({"logger": {"comet": {"_target_": "pytorch_lightning.loggers.CSVLogger"}}})
        instantiate(node.logger.comet, pl.loggers.Logger, save_dir="here")


def test_the_runs_of_a_sweep_are_one_group(monkeypatch, tmp_path):
    built = []
    monkeypatch.setattr("insetgan.cli.loggers.in_sweep", lambda: True)
    sweep = SimpleNamespace(sweep=SimpleNamespace(dir="outputs/sweeps/refine-12ab"))
    monkeypatch.setattr("hydra.core.hydra_config.HydraConfig.get", lambda: sweep)
    monkeypatch.setattr(
        "insetgan.cli.loggers.instantiate",
        lambda node, kind, **extra: built.append((node, extra)) or SimpleNamespace(log_hyperparams=lambda _: None),
    )
    nodes = OmegaConf.load((Path(__file__).resolve().parents[2] / "conf" / "logger") / "wandb.yaml")
    loggers.build_loggers(nodes, tmp_path, {})
    ((node, extra),) = built
    assert node.group == "refine-12ab"
    assert not set(node) & set(extra), "what the command decides must not be in the file"
    nodes.wandb.group = "mine"
    loggers.build_loggers(nodes, tmp_path, {})
    assert built[1][0].group == "mine"


def test_tensorboard_gets_curves_and_sample_grids(train, body, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    code, _, errors = train(
        *body, "logger=tensorboard", "features=none", "trainer.max_kimg=0.008", "tick_kimg=0.004", f"out={tmp_path}/run"
    )
    assert code == 0, errors
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    assert {"Loss/G/loss", "Progress/kimg"} <= set(tags["scalars"])
    assert [event.step for event in events.Scalars("Loss/D/loss")] == [4, 8]
    assert {"Samples/psi1", "Samples/psi0.7"} <= set(tags["images"])


def test_the_log_file_holds_what_the_terminal_said_of_all_starts(train, body, tmp_path):
    shared = (*body, "features=none", "tick_kimg=0.004", f"out={tmp_path}/run")
    printed = ""
    for kimg in ("0.004", "0.008"):
        code, text, errors = train(*shared, f"trainer.max_kimg={kimg}")
        assert code == 0, errors
        printed += text
    log = (tmp_path / "run" / "train.log").read_text()
    said = [line[20:].rstrip() for line in log.splitlines()]
    assert [line for line in said if not line.startswith("insetgan ")] == [
        line.rstrip() for line in printed.splitlines()
    ]
    starts = [line for line in said if line.startswith("insetgan ")]
    assert len(starts) == 2 and "trainer.max_kimg=0.008" in starts[1]


def read_events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def test_a_refinement_logs_curves_seams_and_its_sheet(refine, tmp_path):
    code, _, errors = refine("logger=tensorboard", "seeds=0-1", f"out={tmp_path}/run")
    assert code == 0, errors
    events = read_events(tmp_path / "run" / "tensorboard")
    total = events.Scalars("objective/total")
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert [event.step for event in total] == list(range(len(total))) and len(total) >= 4
    (seam,) = events.Scalars("seam_after/face")
    assert seam.value == pytest.approx(results["summary"]["seam_after"]["face"], rel=1e-5)
    assert events.Tags()["images"] == ["sheet"]
    code, text, errors = refine("logger=csv", "seeds=0-1", f"out={tmp_path}/run")
    assert code == 0 and "all of them were finished before" in text, "a logger does not decide the results"


def test_an_evaluation_logs_its_table_and_its_sheet(evaluate, tmp_path):
    settings = ("method=unconditional", "regions=[body]", "trunc=[0.7]", f"out={tmp_path}/run")
    code, _, errors = evaluate("logger=tensorboard", *settings)
    assert code == 0, errors
    events = read_events(tmp_path / "run" / "table" / "tensorboard")
    tags = events.Tags()
    assert any(tag.startswith("body/unconditional-0.7/") for tag in tags["scalars"]), tags
    assert tags["images"] == ["sheet"]
