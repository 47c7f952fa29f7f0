"""Every file of conf/ composes, and everything that it names can be imported."""

import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from insetgan.cli.complete_config import CompleteConfig
from insetgan.cli.convert_config import ConvertConfig
from insetgan.cli.demo_config import DemoConfig
from insetgan.cli.evaluate_config import EvaluateConfig
from insetgan.cli.experiments import offer_experiments
from insetgan.cli.generate_config import GenerateConfig
from insetgan.cli.invert_config import InvertConfig
from insetgan.cli.prepare_config import PrepareConfig
from insetgan.cli.ready import slug
from insetgan.cli.refine_config import RefineConfig
from insetgan.cli.rules import register_rules
from insetgan.cli.schema import schema_of
from insetgan.cli.train_config import TrainConfig
from insetgan.runtime.plugins import resolve

CONF = Path(__file__).resolve().parents[1] / "conf"
ENTRIES = {
    "train": TrainConfig,
    "refine": RefineConfig,
    "prepare": PrepareConfig,
    "evaluate": EvaluateConfig,
    "complete": CompleteConfig,
    "convert": ConvertConfig,
    "demo": DemoConfig,
    "generate": GenerateConfig,
    "invert": InvertConfig,
}
USES = {  # the entry point and the form in which a choice of a group is given
    "model": ("train", "+model={}"),
    "logger": ("train", "logger={}"),
    "recipe": ("train", "recipe={}"),
    "module": ("train", "module@model.module={}"),
    "discriminator": ("train", "discriminator@recipe.discriminator={}"),
    "features": ("train", "features={}"),
    "objective": ("refine", "objective={}"),
    "preset": ("refine", "preset={}"),
    "solver": ("refine", "solver={}"),
    "schedule": ("refine", "schedule={}"),
    "mode": ("refine", "mode={}"),
    "parts": ("refine", "parts=[{}]"),
    "segmenter": ("refine", "segmenter={}"),
    "detector": ("refine", "detector={}"),
    "perceptual": ("refine", "perceptual={}"),
    "source": ("prepare", "+source={}"),
    "finder": ("prepare", "finder={}"),
    "method": ("evaluate", "method=[{}]"),
    "distance": ("evaluate", "distance={}"),
    "judges": ("evaluate", "judges=[{}]"),
    "more_features": ("evaluate", "more_features=[{}]"),
}
CHOICES = [
    (group.name, path.stem) for group in CONF.iterdir() if group.is_dir() for path in sorted(group.glob("*.yaml"))
]


@pytest.fixture(scope="module", autouse=True)
def _schemas():
    for name, schema in ENTRIES.items():
        ConfigStore.instance().store(name=f"{name}_schema", node=schema_of(schema))
    register_rules()
    OmegaConf.register_new_resolver("slug", slug, replace=True)


def named(node):
    """Every `_target_` below a node."""
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    own = [node["_target_"]] if isinstance(node, dict) and "_target_" in node else []
    return own + [target for value in inner for target in named(value)]


@pytest.mark.parametrize(("group", "choice"), CHOICES)
def test_choice_composes_and_names_what_exists(group, choice):
    assert group in USES, f"conf/{group} belongs to no entry point"
    entry, form = USES[group]
    overrides = [form.format(choice)]
    if entry == "train" and group != "model":
        overrides.append("+model=face")
    if (group, choice) == ("model", "part"):
        overrides.append("part=feet")
    if (group, choice) == ("model", "encoder"):
        overrides.append("generator=face")
    if (group, choice) == ("model", "composer"):
        overrides += ["canvas=body", "parts=[face]"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose(entry, overrides)
    for target in named(OmegaConf.to_container(config, resolve=True)):
        assert callable(resolve(target, "_target_")), target


@pytest.mark.parametrize("path", sorted((CONF.parent / "experiments").glob("*.yaml")), ids=lambda path: path.stem)
def test_experiment_composes_and_opens_with_its_command(path):
    command = re.match(rf"# python (\w+)\.py .*\+experiments={path.stem}\b", path.read_text())
    assert command, "say first how it is run"
    offer_experiments(CONF.parent)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        plain = compose(command[1])
        changed = compose(command[1], [f"+experiments={path.stem}"])
    assert set(changed) == set(plain), "an experiment changes settings and adds none"
    assert changed != plain
    assert path.stem in (path.parent / "README.md").read_text(), "say in README.md what it showed"


@pytest.mark.parametrize("path", sorted(CONF.rglob("*.yaml")), ids=lambda path: str(path.relative_to(CONF)))
def test_every_file_opens_with_a_comment(path):
    lines = [line for line in path.read_text().splitlines() if not line.startswith("# @package")]
    assert lines[0].startswith("# "), "say what it is, or the command that uses it"
