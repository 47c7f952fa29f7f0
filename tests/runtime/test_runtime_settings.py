"""One declaration of a setting gives its type, range and description; every wrong value is one line with the key."""

from dataclasses import FrozenInstanceError, field, replace
from typing import Annotated, Literal

import pytest
from pydantic import Field

from insetgan.runtime.errors import UserError
from insetgan.runtime.settings import SettingError, declared, read, settings

Psi = Annotated[float, Field(ge=0, le=2)]


@settings
class Stage:
    until: Annotated[float, Field(ge=0, le=1, description="fraction of the run at which it ends")] = 1.0
    sides: Annotated[tuple[Literal["canvas", "inset"], ...], Field(min_length=1)] = ("canvas", "inset")

    def __post_init__(self):
        if self.until == 0.5:
            raise SettingError("until", "must not be the half", self.until)


@settings
class Run:
    steps: Annotated[int, Field(ge=1, le=1000, description="updates in all")] = 300
    lr: Annotated[float | None, Field(gt=0, description="learning rate")] = None
    trunc: Psi | list[Psi] = 0.7
    name: str = "a"
    video: bool = False
    region: Literal["box", "mask"] = "box"
    start: str | int | list[int] = "seed"
    stages: tuple[Stage, ...] = (Stage(),)
    by_name: dict[str, Stage] = field(default_factory=dict)
    one: Stage = field(default_factory=Stage)


WRONG = [
    ({"steps": 0}, "steps=0: must be at least 1"),
    ({"steps": 1e12}, "steps=1000000000000.0: must be a whole number"),
    ({"steps": 10**12}, "steps=1000000000000: must be at most 1000"),
    ({"steps": "3"}, "steps=3: must be a whole number"),
    ({"steps": True}, "steps=true: must be a whole number"),
    ({"steps": 3.0}, "steps=3.0: must be a whole number"),
    ({"steps": None}, "steps=null: must be a whole number"),
    ({"lr": 0}, "lr=0: must be above 0"),
    ({"lr": float("nan")}, "lr=nan: must be a finite number"),
    ({"lr": float("inf")}, "lr=inf: must be a finite number"),
    ({"lr": "1"}, "lr=1: must be a number"),
    ({"trunc": 3}, "trunc=3: must be at most 2"),
    ({"trunc": "x"}, "trunc=x: must be a number or a list"),
    ({"trunc": [0.5, 3]}, "trunc.1=3: must be at most 2"),
    ({"trunc": [0.5, "a"]}, "trunc.1=a: must be a number"),
    ({"name": 20240501}, "name=20240501: must be text"),
    ({"name": None}, "name=null: must be text"),
    ({"video": 1}, "video=1: must be true or false"),
    ({"video": "true"}, "video=true: must be true or false"),
    ({"region": "Box"}, "region=Box: must be one of box, mask"),
    ({"start": 3.5}, "start=3.5: must be text or a whole number or a list"),
    ({"start": [1, "x"]}, "start.1=x: must be a whole number"),
    ({"stages": 3}, "stages=3: must be a list"),
    ({"stages": [{"until": 2}]}, "stages.0.until=2: must be at most 1"),
    ({"stages": [{"until": 0.5}]}, "stages.0.until=0.5: must not be the half"),
    ({"stages": [{"sides": ["x"]}]}, "stages.0.sides.0=x: must be one of canvas, inset"),
    ({"stages": [{"sides": []}]}, "stages.0.sides=[]: must have at least 1 of them"),
    ({"stages": [{"sides": "inset"}]}, "stages.0.sides=inset: must be a list"),
    ({"by_name": {"a": {"until": 3}}}, "by_name.a.until=3: must be at most 1"),
    ({"by_name": {"a": 3}}, "by_name.a=3: must be settings by name"),
    ({"one": {"untl": 3}}, "one.untl: no such setting; did you mean until? (allowed: until, sides)"),
    ({"by_name": {"a": {"untl": 3}}}, "by_name.a.untl: no such setting; did you mean until? (allowed: until, sides)"),
    ({"step": 3}, "step: no such setting; did you mean steps? (allowed: steps, lr, trunc, name, "),
]


@pytest.mark.parametrize(("given", "line"), WRONG)
def test_a_wrong_value_is_one_line(given, line):
    with pytest.raises(UserError) as caught:
        Run(**given)
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("given", "line"), WRONG)
def test_reading_names_the_full_key(given, line):
    with pytest.raises(SettingError) as caught:
        read(Run, given, key="a.b")
    assert str(caught.value).startswith(f"a.b.{line}")


def test_values_that_are_allowed_are_taken_as_they_are():
    run = Run(steps=1000, lr=1, trunc=[0, 2], stages=[{"until": 0.25, "sides": ["inset"]}, Stage()], start="007")
    assert run.lr == 1.0 and type(run.lr) is float and run.trunc == [0.0, 2.0] and run.start == "007"
    assert run.stages == (Stage(until=0.25, sides=("inset",)), Stage())
    assert read(Run, {"by_name": {"a": {"until": 0.25}}}).by_name == {"a": Stage(until=0.25)}


def test_settings_are_frozen_and_a_changed_copy_is_checked():
    with pytest.raises(FrozenInstanceError):
        Run().steps = 3
    assert replace(Run(), steps=4).steps == 4
    with pytest.raises(UserError, match="steps=0: must be at least 1"):
        replace(Run(), steps=0)


def test_a_setting_without_a_default_must_be_given():
    @settings(kw_only=True)
    class Needed:
        weight: Annotated[float, Field(ge=0)]

    with pytest.raises(UserError, match=r"^weight: must be given$"):
        Needed()


def test_a_class_inherits_settings_and_their_ranges():
    @settings
    class Longer(Run):
        more: Annotated[int, Field(ge=2)] = 2

    assert Longer(steps=5).steps == 5
    with pytest.raises(UserError, match="steps=0: must be at least 1"):
        Longer(steps=0)


def test_what_is_declared_is_listed():
    listed = {setting.name: setting for setting in declared(Run)}
    assert (listed["steps"].description, listed["steps"].allowed) == ("updates in all", "a whole number from 1 to 1000")
    assert listed["steps"].default == "300" and listed["lr"].allowed == "a number above 0 or null"
    assert listed["trunc"].allowed == "a number from 0 to 2 or a list of numbers from 0 to 2"
    assert listed["region"].allowed == "one of box, mask" and listed["video"].default == "false"
    assert listed["one"].inner is Stage and listed["by_name"].inner is Stage
