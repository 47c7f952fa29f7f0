"""Sweeps: a wrong value in any run is told before the first run starts, and groups of one choice take no list."""

import importlib

import pytest
from hydra.core.singleton import Singleton

from insetgan.cli.command import COMMANDS
from insetgan.cli.guard import guard_hydra
from insetgan.cli.single_choice import SEVERAL, one_choice
from insetgan.cli.sweep_check import MOST_RUNS

LAST_IS_WRONG = [
    ("train", ["+model=face", "lr=0.1,x"], "run 2 of 2 (lr=x): lr=x: must be a number"),
    ("train", ["+model=face", "recipe.pl_weight=0,x"], "run 2 of 2 (recipe.pl_weight=x): recipe.pl_weight=x: must be a number"),
    ("train", ["+model=face", "data.path=null,nowhere.zip"], "run 2 of 2 (data.path=nowhere.zip): "),
    ("train", ["+model=face,nope"], "run 2 of 2 (model=nope): model/nope: no such choice"),
    ("refine", ["schedule.block=1,x"], "run 2 of 2 (schedule.block=x): schedule.block=x: must be a whole number"),
    ("refine", ["objective.border_l1.weight=5,x"], "(objective.border_l1.weight=x): objective.border_l1.weight=x: "),
    ("refine", ["parts.face.weights=face,nowhere.safetensors"], "(parts.face.weights=nowhere.safetensors): "),
    ("refine", ["starts=1", "keep=1,2"], "run 2 of 2 (keep=2): keep=2: must be at most starts=1"),
    ("evaluate", ["num=4,x"], "run 2 of 2 (num=x): num=x: must be a whole number"),
    ("evaluate", ["regions=[body],[nose]"], "run 2 of 2 (regions=[nose]): regions=nose: must be body or"),
    ("evaluate", ['refine=[],["schedule.block=x"]'], "schedule.block=x: must be a whole number"),
    ("complete", ["seeds=0,x"], "run 2 of 2 (seeds=x): seeds=x: "),
    ("generate", ["weights=face", "layers=null,3"], "run 2 of 2 (layers=3): layers=3: belongs to style mixing"),
    ("invert", ["weights=face", "image=face.png", "steps=1,x"], "run 2 of 2 (steps=x): steps=x: must be a whole number"),
    ("convert", ["in=face,nope", "info=true"], "run 2 of 2 (weights=nope): in=nope: no file"),
    ("prepare", ["+source=flowers", "data.height=64,x"], "run 2 of 2 (data.height=x): data.height=x: must be a whole number"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "overrides", "said"), LAST_IS_WRONG)
def test_a_wrong_last_run_keeps_the_first_from_starting(refused, tmp_path, name, overrides, said):
    refused(said, name, "-m", *overrides)
    assert list(tmp_path.iterdir()) == []


def test_runs_of_an_experiments_sweeper_are_checked_too(refused, tmp_path, experiment):
    """The values of `hydra.sweeper.params` are no less part of the sweep."""
    name = experiment({"hydra": {"mode": "MULTIRUN", "sweeper": {"params": {"steps": "4,x"}}}}, "mine")
    refused("run 2 of 2 (steps=x): steps=x: must be a whole number", "refine", name)
    assert [path.name for path in tmp_path.iterdir()] == ["experiments"]


def test_nothing_and_too_much_to_run(refused, tmp_path):
    refused("seeds=range(5,5): stands for no value", "refine", "-m", "seeds=range(5,5)")
    refused(f"stands for 99000 runs, at most {MOST_RUNS}", "refine", "-m", "seeds=range(0,1000)", "steps=range(1,100)")
    refused("interval(...): is for sweepers that search", "train", "+model=face", "-m", "lr=interval(0,1)")
    assert list(tmp_path.iterdir()) == []


LISTS = [
    ("refine", ["schedule=[alternate,together]"], "takes one choice, as schedule=alternate (allowed: alternate"),
    ("refine", ["schedule=[]"], "schedule=[]: takes one choice"),
    ("refine", ["mode=[part]", "preset=official"], "mode=[part]: takes one choice"),
    ("refine", ["objective=[paper,none]"], "takes one choice"),
    ("refine", ["preset=[official,stylegan_human]"], "takes one choice"),
    ("refine", ["perceptual=[lpips,parts_net]"], "takes one choice"),
    ("refine", ["detector=[parts_net,fixed]"], "takes one choice"),
    ("refine", ["segmenter=[parts_net,torchscript]"], "takes one choice"),
    ("refine", ["+experiments=[modes,flowers]"], "takes one choice, as experiments=modes (allowed: ablation, "),
    ("refine", ["hydra/launcher=[basic]"], "hydra/launcher=[basic]: takes one choice"),
    ("refine", ["-m", "schedule=[alternate,together],together"], "run 1 of 2 (schedule=[alternate,together]): "),
    ("refine", ["parts=[face,face]"], "parts=[face,face]: face is named twice"),
    ("refine", ["+schedule=together"], "+schedule: is chosen already; choose another one without a plus"),
    ("train", ["+model=[body,face]"], "model=[body,face]: takes one choice"),
    ("train", ["+model=body", "recipe=[small,auto]"], "takes one choice"),
    ("train", ["+model=body", "features=[parts,inception]"], "takes one choice"),
    ("train", ["+model=body", "discriminator@recipe.discriminator=[resnet,projected]"], "discriminator@recipe.discriminator=["),
    ("evaluate", ["features=[parts,mobilenet]"], "takes one choice"),
    ("evaluate", ["distance=[parts,lpips]"], "takes one choice"),
    ("evaluate", ['refine=["schedule=[alternate,together]"]'], "refine: schedule=[alternate,together]: takes one choice"),
    ("prepare", ["+source=[people,flowers]"], "takes one choice"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "overrides", "said"), LISTS)
def test_a_list_for_a_group_of_one_choice(refused, tmp_path, name, overrides, said):
    refused(said, name, *overrides)
    assert list(tmp_path.iterdir()) == []


def test_an_experiment_that_lists_choices(refused, experiment):
    name = experiment("defaults:\n  - override /schedule: [alternate, together]\nsteps: 4\n", "two")
    refused("schedule=[alternate,together]: takes one choice, as schedule=alternate", "refine", name)


def test_lists_of_groups_that_stand_beside_each_other_are_taken(run):
    for name, override in (
        ("refine", "parts=[face,hands]"),
        ("evaluate", "method=[paste,joint]"),
        ("evaluate", "more_features=[parts]"),
        ("evaluate", "judges=[mediapipe,pose]"),
        ("train", "logger=[csv,tensorboard]"),
    ):
        assert override.partition("=")[0] in SEVERAL
        model = ["+model=face"] if name == "train" else []
        assert run(name, *model, override, "num=x" if name == "evaluate" else "seed=x" if model else "steps=x")[1][
            0
        ].endswith("must be a whole number")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_check_a_run(name):
    assert callable(importlib.import_module(f"insetgan.cli.{name}").check_run)


def test_the_choices_are_named():
    assert one_choice("mode", "mode", ["a", "b"]).endswith("(allowed: body_for_part, joint, montage, part)")
    assert (
        one_choice("hydra/launcher", "hydra/launcher", [])
        == "hydra/launcher=[]: takes one choice, as hydra/launcher=NAME"
    )


def test_a_launcher_can_hand_hydras_state_to_another_process():
    """Launchers such as joblib's pickle Hydra's registries; there the plugins are found anew and must be the same classes."""
    guard_hydra([])
    Singleton.set_state(Singleton.get_state())
