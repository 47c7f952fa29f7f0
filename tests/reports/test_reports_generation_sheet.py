"""What stands above the grid of generate.py."""

from omegaconf import OmegaConf

from insetgan.cli.generate import _about


def test_the_grid_names_the_network_and_its_label():
    assert _about(OmegaConf.create({"weights": "face", "label": None})) == "face"
    assert _about(OmegaConf.create({"weights": "~/nets/a\x1b.pkl", "label": 2})) == "a\\x1b.pkl, label 2"
    assert _about(OmegaConf.create({"weights": "hf:me/nets:n.pkl", "label": 0})) == "nets:n.pkl, label 0"
    long = _about(OmegaConf.create({"weights": "x" * 500, "label": [0.5] * 1000}))
    assert len(long) < 120 and long.endswith("...")
