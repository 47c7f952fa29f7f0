"""Messages name the setting that was typed, not the one to which it is handed on."""

import pytest
from omegaconf import OmegaConf

from insetgan.cli.forwarded import Forwarded
from insetgan.runtime.settings import SettingError


@pytest.fixture
def forwarded():
    config = OmegaConf.create(
        {
            "lr": "${recipe.lr}",
            "batch": 8,
            "recipe": {"lr": 0.1, "critic": {"scales": [1, 2], "width": "${recipe.size}"}, "size": 3},
            "module": {"rate": "${lr}", "batch": "${batch}", "own": 1, "made": "${oc.decode:'1'}", "critic": "${recipe.critic}",
                       "inner": {"size": "${recipe.size}", "text": "a${lr}"}},
        }
    )  # fmt: skip
    return Forwarded(config.module, "module")


@pytest.mark.parametrize(
    ("key", "typed"),
    [
        ("module.rate", "recipe.lr"),
        ("module.batch", "batch"),
        ("module.own", "module.own"),
        ("module.made", "module.made"),
        ("module.critic", "recipe.critic"),
        ("module.critic.scales", "recipe.critic.scales"),
        ("module.critic.scales.0", "recipe.critic.scales.0"),
        ("recipe.critic.width", "recipe.size"),
        ("module.inner.size", "recipe.size"),
        ("module.inner.text", "module.inner.text"),
        ("other", "other"),
    ],
)
def test_keys(forwarded, key, typed):
    assert forwarded.typed(key) == typed


def test_errors_and_lines(forwarded):
    error = forwarded.error(SettingError("rate", "must be above 0", 0), "module")
    assert (str(error), error.key) == ("recipe.lr=0: must be above 0", "recipe.lr")
    assert str(forwarded.error(SettingError("own", "needs a friend"), "module")) == "module.own: needs a friend"
    assert forwarded.line("module", "rate=0, own=1: too small") == "recipe.lr=0, own=1: too small"
    assert forwarded.line("module", "own=1: rate=3 is better") == "module: own=1: rate=3 is better"
    assert forwarded.line("module", "nothing works") == "module: nothing works"


def test_of_what_is_no_node_nothing_is_forwarded():
    assert Forwarded({"a": "${b}"}, "x").typed("x.a") == "x.a"
