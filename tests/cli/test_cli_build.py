import pytest
from omegaconf import OmegaConf

from insetgan.cli.build import instantiate
from insetgan.runtime.errors import UserError


def test_builds_nested_objects():
    built = instantiate(OmegaConf.create({"a": {"_target_": "insetgan.detection.parts_net.PartsNet", "num_parts": 2}}))
    assert built["a"].num_parts == 2


@pytest.mark.parametrize("target", ["os.system", "insetganx.evil", "builtins.eval"])
def test_foreign_targets_are_refused_however_deep(target):
    with pytest.raises(UserError, match="may be built"):
        instantiate({"a": [{"b": {"_target_": target}}]})


def test_wrong_argument_is_the_users_mistake():
    with pytest.raises(UserError, match="numparts"):
        instantiate({"_target_": "insetgan.detection.parts_net.PartsNet", "numparts": 2})


def test_user_errors_pass_through_unchanged():
    with pytest.raises(UserError, match=r"weights=nowhere\.safetensors"):
        instantiate({"_target_": "insetgan.weights.store.load_network", "name_or_path": "nowhere.safetensors"})
