"""Text settings keep what was typed: hydra#1163, where `out=2024_05_01` became 20240501, and all of its kind."""

from dataclasses import fields, is_dataclass
from typing import get_args, get_origin, get_type_hints

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from insetgan.cli.arguments import as_typed, text_kind
from insetgan.cli.complete_config import CompleteConfig
from insetgan.cli.convert_config import ConvertConfig
from insetgan.cli.evaluate_config import EvaluateConfig
from insetgan.cli.generate_config import GenerateConfig
from insetgan.cli.places import CONF
from insetgan.cli.prepare_config import PrepareConfig
from insetgan.cli.refine_config import RefineConfig
from insetgan.cli.rules import register_rules
from insetgan.cli.schema import schema_of
from insetgan.cli.train_config import TrainConfig

COMMANDS = {
    "refine": (RefineConfig, []),
    "train": (TrainConfig, ["+model=body"]),
    "evaluate": (EvaluateConfig, []),
    "complete": (CompleteConfig, []),
    "prepare": (PrepareConfig, ["+source=people"]),
    "convert": (ConvertConfig, []),
    "generate": (GenerateConfig, []),
}
TYPED = [
    "2024_05_01", "2024-05-01", "1e3", "1E-3", "0x10", "007", "1_000", "3.10", "+5", "-5", ".5", "5.", "inf", "-Infinity",
    "nan", "true", "False", "yes", "No", "on", "~", "~/x", "..", "a=b", "a=b,c=d", "x[/red]y", "[a]b", "{a}", "a b", "a  b",
    "it's", 'say "hi"', "back\\slash", "end\\", "end\\'", "caf\u00e9", "\u4eba", "a:b", "a#b", "a;b", "(a)", "f(1)", "a!b",
    "100%", "$x", "a&b", "a|b", "*", "?", "<a>", "`a`", "a\tb", "12:30:00", "1,000", "Null!", "None", "0b1", "0o7", "1__0",
]  # fmt: skip
BY_NAME = {"parts": "face"}


def text_settings(cls, prefix=""):
    """Full keys of the settings of a command that hold one text."""
    for field in fields(cls):
        hint = get_type_hints(cls)[field.name]
        key = prefix + field.name
        if is_dataclass(hint):
            yield from text_settings(hint, f"{key}.")
        elif get_origin(hint) is dict and is_dataclass(get_args(hint)[1]):
            yield from text_settings(get_args(hint)[1], f"{key}.{BY_NAME[field.name]}.")
        elif str in text_kind(cls, field.name) and field.name != "plugins":  # which only the command line may name
            yield key


@pytest.fixture
def composing():
    """Lets a test compose the configuration of each command."""
    for name, (cls, _) in COMMANDS.items():
        ConfigStore.instance().store(name=f"{name}_schema", node=schema_of(cls))
    register_rules()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield


def test_all_text_settings_are_found():
    found = {f"{name}: {key}" for name, (cls, _) in COMMANDS.items() for key in text_settings(cls)}
    known = [
        "refine: out", "refine: resume_from", "refine: canvas.weights", "refine: canvas.start", "refine: parts.face.start",
        "refine: parts.face.weights", "refine: drop", "train: out", "train: init", "train: resume", "train: data.path",
        "evaluate: out", "evaluate: name", "evaluate: data.path", "complete: weights",
        "complete: data.masks", "prepare: out", "convert: weights", "convert: out",
    ]  # fmt: skip
    assert set(known) <= found


@pytest.mark.usefixtures("composing")
@pytest.mark.parametrize("turn", range(12))
@pytest.mark.parametrize("command", COMMANDS)
def test_every_text_setting_keeps_what_was_typed(command, turn):
    cls, chosen = COMMANDS[command]
    keys = list(text_settings(cls))
    typed = dict(zip(keys, [TYPED[(turn * len(keys) + at) % len(TYPED)] for at in range(len(keys))], strict=True))
    config = compose(command, as_typed([*chosen, *(f"{key}={value}" for key, value in typed.items())], cls))
    assert {key: OmegaConf.select(config, key) for key in keys} == typed


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize(("cls", "key"), [(RefineConfig, "out"), (RefineConfig, "drop"), (TrainConfig, "data.path")])
def test_hydra_reads_each_value_as_the_text_that_was_typed(cls, key, typed):
    parsed = OverridesParser.create().parse_override(as_typed([f"{key}={typed}"], cls)[0])
    assert str(parsed.value()) == typed and not isinstance(parsed.value(), int | float)


@pytest.mark.parametrize("typed", TYPED)
def test_settings_of_objects_whose_class_is_not_known_before_keep_it_too(typed):
    for key in ("detector.network.name_or_path", "perceptual.name_or_path", "segmenter.path"):
        parsed = OverridesParser.create().parse_override(as_typed([f"{key}={typed}"], RefineConfig)[0])
        assert str(parsed.value()) == typed and not isinstance(parsed.value(), int | float)
    for key in ("method.folder.path", "method.comodgan.weights", "method.joint.title"):
        parsed = OverridesParser.create().parse_override(as_typed([f"{key}={typed}"], EvaluateConfig)[0])
        assert str(parsed.value()) == typed and not isinstance(parsed.value(), int | float)


@pytest.mark.parametrize("typed", [typed for typed in TYPED if "," not in typed and typed not in ("f(1)", "end\\")])
def test_sweeps_keep_it_in_each_of_their_runs(typed):
    arguments = as_typed(["-m", f"out={typed},plain,{typed}", f"canvas.weights={typed}"], RefineConfig)[1:]
    parsed = OverridesParser.create().parse_overrides(arguments)
    (batch,) = BasicSweeper.split_arguments(parsed, None)
    assert len(batch) == 3
    for overrides, wanted in zip(batch, [typed, "plain", typed], strict=True):
        values = [OverridesParser.create().parse_override(override).value() for override in overrides]
        assert list(map(str, values)) == [wanted, typed]


@pytest.mark.usefixtures("composing")
def test_lists_of_texts_keep_each():
    config = compose("evaluate", as_typed(["regions=[007,1e3,body]", "refine=[steps=100,out=a]"], EvaluateConfig))
    assert (config.regions, config.refine) == (["007", "1e3", "body"], ["steps=100", "out=a"])
    assert compose("refine", as_typed(["drop=[border,1e3]"], RefineConfig)).drop == ["border", "1e3"]


def test_what_is_no_text_is_left_to_hydra():
    arguments = [
        "steps=1e3",
        "trunc=0.7",
        "parts=[face,hands]",
        "seeds=3",
        "canvas.start=[1,2]",
        "~objective.border_l1",
    ]
    assert as_typed(arguments, RefineConfig) == arguments
    assert as_typed(["out=null", "out='1e3'", 'out="a b"', "out=${x}", "out="], RefineConfig)[:2] == [
        "out=null",
        "out='1e3'",
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("name: 007", "name=7: must be text, so put it in quotes"),
        ("out: 2024_05_01", "out=20240501: must be text, so put it in quotes"),
        ("num: '3'", "num=3: must be a whole number"),
        ("num: 3.0", "num=3.0: must be a whole number"),
        ("data: {num: true}", "data.num=true: must be a whole number"),
        ("trunc: .nan", "trunc=nan: must be a finite number"),
    ],
)
def test_a_file_in_which_text_became_a_number_is_refused(in_process, tmp_path, line, says):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "mine.yaml").write_text(f"# python evaluate.py +experiments=mine\n{line}\n")
    code, _, errors = in_process("evaluate", "+experiments=mine", cwd=tmp_path)
    assert (code, errors.startswith(f"error: {says}")) == (2, True), errors


def test_a_folder_is_made_with_the_name_that_was_typed(refine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["2024_05_01", "1e3", "true", "x=5,y=[1]", "[bold]a", "a\x1b[31mb"]
    for name in names:
        code, text, errors = refine("seeds=0", f"out={name}")
        assert code == 0, errors
        shown = name.replace("\x1b", "\\x1b")
        assert f"{shown}/sheet.png" in text and f"folder:   {shown}\n" in text
        assert "\x1b" not in text
    assert {path.name for path in tmp_path.iterdir()} == set(names)
