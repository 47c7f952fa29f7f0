"""Where the curves of a training run go, and its log file."""

from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from insetgan.cli import loggers
from insetgan.cli.build import instantiate
from insetgan.runtime.errors import UserError


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
        instantiate(
            OmegaConf.create({"logger": {"comet": {"_target_": "pytorch_lightning.loggers.CSVLogger"}}}).logger.comet
        )


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
