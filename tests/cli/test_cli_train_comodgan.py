"""train.py +model=comodgan as a user runs it."""

import os

import pytest

from insetgan.weights.store import load_network

SMALL = [
    "recipe.z_dim=8", "recipe.w_dim=8", "recipe.channel_base=256", "recipe.channel_max=8", "batch_size=4", "grid=2",
    "trainer.num_threads=1", "quality.num=4", "quality.num_real=4", "model.held_out=2",
]  # fmt: skip


@pytest.fixture
def comodgan(train, people, tmp_path):
    def run(*overrides):
        return train("+model=comodgan", people, *SMALL, f"out={tmp_path}/run", *overrides)

    return run


def test_it_trains_goes_on_and_grows(comodgan, train, people, tmp_path):
    size = ["data.height=16", "data.width=8"]
    code, text, errors = comodgan(*size, "trainer.max_kimg=0.008")
    assert (code, errors) == (0, "")
    assert "training comodgan: 4 images 16 x 8" in text
    code, text, _ = comodgan(*size, "trainer.max_kimg=0.012")
    assert (code, "going on from" in text) == (0, True)
    networks = {"last.ckpt", "best.ckpt", "network-last.safetensors", "network-best.safetensors"}
    assert {".lock", "config.yaml", "metrics.csv", "samples", "train.log", *networks} == set(
        os.listdir(tmp_path / "run")
    )
    assert load_network(tmp_path / "run" / "network-last.safetensors", kind="comodgan").x_dim == 16
    grown = ["init_strict=false", "data.height=32", "data.width=16", "trainer.max_kimg=0.004", f"out={tmp_path}/large"]
    code, text, errors = train("+model=comodgan", people, *SMALL, f"init={tmp_path}/run/last.ckpt", *grown)
    assert (code, errors) == (0, "")
    assert "so new: encoder.b32, synthesis.b32" in text


@pytest.mark.parametrize("recipe", ["projected", "comodgan_projected"])
def test_critics_on_frozen_features_train_it_too(comodgan, recipe):
    projected = [
        f"recipe={recipe}",
        "recipe.discriminator.scales=[1,2]",
        "model.module.l1_weight=10",
    ]
    code, _, errors = comodgan(*projected, "data.height=32", "data.width=16", "trainer.max_kimg=0.004", "features=none")
    assert (code, errors) == (0, "")


def test_mistakes_end_in_one_line(comodgan, assert_one_line):
    size = ["data.height=16", "data.width=8"]
    for override, said in [
        ("recipe=small", "augment=bgc: must be none for CoModGAN (recipe=comodgan)"),
        ("+model.module.holes.nose=1", "holes.nose: no such kind of holes"),
        ("model.module.holes.face=-1", "holes.face=-1: must be"),
        ("model.held_out=6", "holds 6 images, but more than 6 are needed"),
        ("data.labels=true", "data.labels=true: must be false"),
        ("model.part=nose", "part=nose: must be one of"),
        ("init=body", "expected comodgan"),
    ]:
        assert_one_line(comodgan(*size, override), said)
