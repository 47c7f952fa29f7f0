"""Which perceptual distance refine.py takes: LPIPS for other generators than the embedded ones."""

import pytest
import torch
import yaml

from insetgan.metrics.perceptual import BACKBONES
from insetgan.runtime.torchvision_guard import guard


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    """TORCH_HOME with a random VGG-16 in torch's cache."""
    guard()
    from torchvision.models import vgg16

    torch.manual_seed(4)
    home = tmp_path_factory.mktemp("torch")
    (home / "hub" / "checkpoints").mkdir(parents=True)
    state = {name: value for name, value in vgg16(weights=None).state_dict().items() if name.startswith("features.")}
    torch.save(state, home / "hub" / "checkpoints" / BACKBONES["vgg"])
    return home


@pytest.fixture
def foreign(in_process, tiny, tmp_path, monkeypatch):
    """Refine tiny networks, which are no embedded ones, with `perceptual=` as it is by default."""

    def run(home, *overrides):
        monkeypatch.setenv("TORCH_HOME", str(home))
        asked = [override for override in tiny if not override.startswith("perceptual.")]
        return in_process("refine", *asked, "steps=2", "seeds=0-1", f"out={tmp_path}/out", *overrides)

    return run


def chosen(tmp_path):
    return yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())["perceptual"]


def test_other_generators_are_compared_by_lpips_at_the_papers_sizes(foreign, vgg, tmp_path):
    sizes = ["objective.coarse_perceptual.size=64", "objective.border_perceptual.size=64"]
    code, text, errors = foreign(vgg, *sizes)
    assert (code, errors) == (0, "")
    assert "perceptual=lpips, since a generator is not an embedded one" in text
    assert chosen(tmp_path) == {"_target_": "insetgan.metrics.perceptual.LpipsFeatures", "net": "vgg", "path": None}


def test_without_a_backbone_one_line_says_what_to_fetch_and_where_to_put_it(foreign, tmp_path):
    code, text, errors = foreign(tmp_path)
    assert (code, errors) == (0, "")
    lines = [line for line in text.splitlines() if line.startswith("perceptual=parts_net, which knows rendered people")]
    assert len(lines) == 1 and f"get https://download.pytorch.org/models/{BACKBONES['vgg']}" in lines[0]
    assert str(tmp_path / "hub" / "checkpoints") in lines[0]
    assert chosen(tmp_path)["name_or_path"] == "parts" and "otherwise" not in chosen(tmp_path)


def test_what_the_user_names_is_taken_or_refused(foreign, vgg, tmp_path, assert_one_line):
    assert_one_line(foreign(tmp_path, "perceptual=lpips"), "perceptual=lpips: no file ")
    code, text, _ = foreign(vgg, "perceptual=parts_net")
    assert code == 0 and "perceptual=" not in text
    assert chosen(tmp_path)["name_or_path"] == "parts"


def test_the_embedded_generators_keep_partsnet():
    from omegaconf import OmegaConf

    from insetgan.cli.refine_perceptual import settle_perceptual

    node = {"_target_": "insetgan.weights.store.load_network", "name_or_path": "parts", "kind": "parts"}
    generator = {"weights": "body", "generator": None}
    config = OmegaConf.create(
        {"perceptual": {**node, "otherwise": "lpips"}, "canvas": generator, "parts": {"face": generator}}
    )
    assert settle_perceptual(config) == [] and config.perceptual == node
    other = {**node, "name_or_path": "mine.safetensors"}
    config.perceptual, config.canvas.weights = {**other, "otherwise": "lpips"}, "x.pkl"
    assert settle_perceptual(config) == [] and config.perceptual == other
