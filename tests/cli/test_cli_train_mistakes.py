"""Mistakes with train.py: one line, exit code 2, nothing written, nothing lost."""

import logging
import pickle

import numpy as np
import pytest
import torch


def test_numbers_that_run_away_are_named_also_before_the_first_checkpoint(train, body, tmp_path, assert_one_line):
    wild = [
        *body,
        "lr=1000",
        "recipe.noise=false",
        f"out={tmp_path}",
        "trainer.precision=32-true",
        "trainer.max_kimg=0.2",
    ]
    result = train(*wild)
    assert_one_line(result, "not finite at")
    assert "there is no checkpoint yet" in result[2]


def test_another_number_of_frozen_layers_cannot_be_resumed(train, body, tmp_path, assert_one_line):
    assert train(*body, f"out={tmp_path}", "trainer.max_kimg=0.004")[0] == 0
    said = "was trained with other tensors than the settings ask for (recipe.freeze_d)"
    assert_one_line(train(*body, f"out={tmp_path}", "recipe.freeze_d=2", "trainer.max_kimg=0.008"), said)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ([], "model is not given"),
        (["+model=body", "leraning_rate=1"], "leraning_rate"),
        (["+model=body", "data.hieght=64"], "hieght"),
        (["+model=body", "lr=fast"], "lr=fast: must be a number"),
        (["+model=body", "batch_size=0"], "batch_size=0: must be at least 1"),
        (["+model=body", "trainer.precision=bf17"], "trainer.precision=bf17: must be one of"),
        (["+model=body", "gamma=nan"], "gamma=nan: must be a finite number"),
        (["+model=body", "lr=nan"], "lr=nan: must be a finite number"),
        (["+model=body", "trainer.max_kimg=inf"], "trainer.max_kimg=inf: must be a finite number"),
        (["+model=body", "seed=4294967296"], "seed=4294967296: must be at most 4294967295"),
        (["+model=body", "data.width=-4"], "data.width=-4: must be at least 4"),
        (["+model=body", "trainer.num_threads=-1"], "trainer.num_threads=-1: must be at least 1"),
        (["+model=body", "trainer.devices=2", "batch_size=3"], "batch_size=3: must be a multiple of trainer.devices=2"),
        (["+model=body", "batch_gpu=3"], "batch_gpu=3: must divide the 8 images that each process takes"),
        (
            ["+model=body", "recipe=auto", "batch_gpu=6", "batch_size=6"],
            "recipe.mbstd_group_size=4: must divide",
        ),
        (["+model=body", "data.on_fault=ignore"], "data.on_fault=ignore: must be one of stop, skip"),
        (["+model=body", "data.workers=-1"], "data.workers=-1: must be at least 0"),
        (["+model=body", "data.workers=2", "recipe.graphs=true"], "data.workers=2: must be 0 with recipe.graphs=true"),
        (["+model=body", "recipe=auto", "recipe.freeze_d=99"], "recipe.freeze_d=99: must be from 0 to "),
        (["+model=body", "quality.num=1"], "quality.num=1: must be at least 2"),
        (["+model=body", "recipe.augment=bgx"], "error: recipe.augment=bgx: must be none or one of"),
        (["+model=body", "out="], "out=: must not be empty"),
        (["+model=body", "data.path="], "data.path=: must not be empty"),
        (["+model=body", "+lrr=3"], "lrr: no such setting; did you mean lr?"),
        (["+model=body", "+data.hight=3"], "data.hight: no such setting; did you mean height?"),
        (["+model=body", "+experiments=foo"], "experiments/foo: no such choice (allowed: ablation, "),
        (["+model=body", "grid=100000000"], "grid=100000000: must be at most 1024"),
        (["+model=body", "model.dataset=null"], "model.dataset: must say what to build"),
        (["+model=nobody"], "nobody"),
        (["+model=body", "+recipe.gama=5"], "recipe.gama: no such setting (allowed: ada_kimg, "),
        (["+model=body", "recipe.conv_clamp=foo"], "error: recipe.conv_clamp=foo: must be a number above 0, or null"),
        (["+model=body", "recipe.pl_batch_shrink=2.5"], "error: recipe.pl_batch_shrink=2.5: must be a whole number"),
        (["+model=body", "recipe.z_dim=abc"], "error: recipe.z_dim=abc: must be 1 or more, and whole"),
        (["-m", "+model=body", "lr=0.1,0.2", "trainer.devices=2"], "trainer.devices=2: must be 1 in a sweep"),
        (["-m", "+model=body", "lr=0.1,0.2", "out=run"], "out=run: the runs of a sweep need a folder each"),
        (["+model=body", "init=none.ckpt"], "init=none.ckpt: no such file"),
        (["+model=body", "recipe=none"], "recipe/none: no such choice (allowed: auto, comodgan, "),
        (["+model=body", "data.path=/nowhere/people.zip"], "/nowhere/people.zip"),
    ],
)
def test_mistakes_are_one_line_and_code_2(train, tmp_path, overrides, said, assert_one_line):
    assert_one_line(train(*overrides, cwd=tmp_path), said)
    assert not list(tmp_path.rglob("*.ckpt"))


def a_sweep_that_ends_at_its_first_run(out):
    """Overrides of generate.py: the place of the results is a file, which is seen when the run begins."""
    return ["-m", "weights=face", "trunc=0.5,0.6", f"out='{out}'"]


def test_a_run_leaves_no_handler_that_a_later_one_would_write_to(in_process, tmp_path):
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    (tmp_path / "taken").touch()
    sweep = a_sweep_that_ends_at_its_first_run("taken")
    _, text, errors = in_process("generate", *sweep, "hydra/hydra_logging=default", cwd=tmp_path)
    assert "Launching 2 jobs locally" in text, errors
    assert (root.handlers, root.level) == (before, level)
    code, _, errors = in_process("generate", *sweep, cwd=tmp_path)
    assert code == 2
    assert errors.splitlines()[-1].startswith(
        "error: 2 of 2 runs failed, the first: out=taken: no folder can be made there"
    )


def test_what_hydra_repeats_has_no_control_characters(in_process, tmp_path):
    name = "a\x1b[31mb\x9bc"
    (tmp_path / name).touch()
    sweep = a_sweep_that_ends_at_its_first_run(name)
    _, text, errors = in_process("generate", *sweep, "hydra/hydra_logging=default", cwd=tmp_path)
    assert "#0 : " in text and "a\\x1b[31mb\\x9bc" in text, text + errors
    assert not {"\x1b", "\x9b"} & set(text + errors)


@pytest.mark.parametrize("damage", ["shortened", "random", "pickle", "tensor", "foreign", "clockless"])
def test_checkpoints_that_are_none(train, body, tmp_path, damage, assert_one_line):
    path = tmp_path / "wrong.ckpt"
    if damage == "shortened":
        assert train(*body, f"out={tmp_path}", "trainer.max_kimg=0.004")[0] == 0
        path.write_bytes((tmp_path / "last.ckpt").read_bytes()[:20000])
    elif damage == "random":
        path.write_bytes(np.random.default_rng(0).bytes(5000))
    elif damage == "pickle":
        path.write_bytes(pickle.dumps({"state_dict": {"cur_nimg": 8}}))
    else:
        contents = {"tensor": torch.ones(3), "foreign": {"state_dict": {"cur_nimg": torch.tensor(8)}}}
        torch.save(contents.get(damage, {"state_dict": {"cur_nimg": "eight"}}), path)
    assert_one_line(
        train(*body, f"out={tmp_path}/run", f"resume={path}"), "wrong.ckpt: cut short, damaged, or not written by"
    )


def test_mistakes_about_files(train, body, tmp_path, assert_one_line):
    assert_one_line(train(*body, f"out={tmp_path}", "init=/nowhere/last.ckpt"), "no such file")
    assert_one_line(train(*body, f"out={tmp_path}", "data.height=30", "data.width=15"), "height=30")
    (tmp_path / "last.ckpt").write_bytes(b"half")
    assert_one_line(train(*body, f"out={tmp_path}"), "last.ckpt: cut short, damaged, or not written by")
    (tmp_path / "file").write_text("")
    assert_one_line(train(*body, f"out={tmp_path}/file/run"), "file")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("recipe.style_mixing=2", "error: recipe.style_mixing=2: must be at most 1"),
        ("+model.module.style_mixing=2", "error: model.module.style_mixing=2: must be at most 1"),
        ("recipe.z_dim=0", "error: recipe.z_dim=0: must be 1 or more"),
        ("recipe.mapping_layers=0", "error: recipe.mapping_layers=0: must be 1 or more"),
        ("recipe.betas=[2,3]", "error: recipe.betas.0=2: must be below 1"),
        ("recipe.betas=abc", "error: recipe.betas=abc: must be a list"),
        ("recipe.noise=abc", "error: recipe.noise=abc: must be true or false"),
        ("recipe.r1_interval=abc", "error: recipe.r1_interval=abc: must be a whole number"),
        ("recipe.loss=wasserstein", "error: recipe.loss=wasserstein: must be one of logistic, hinge"),
        ("trainer.accelerator=tpu", "trainer: "),
        ("recipe.mbstd_group_size=3", "recipe.mbstd_group_size=3: must divide the 4 images"),
        ("trainer.accelerator=foo", "trainer: "),
        ("trainer.cluster=slum", "error: trainer.cluster=slum: must be one of none, slurm, torchelastic, lsf, mpi"),
        (
            "trainer.cluster=slurm",
            "error: trainer.cluster=slurm: has not started this process (SLURM_PROCID is not set)",
        ),
        ("resume=/nowhere/last.ckpt", "no such file"),
    ],
)
def test_a_refused_command_writes_nothing(train, body, tmp_path, override, said, assert_one_line):
    out = tmp_path / "run"
    assert_one_line(train(*body, override, f"out={out}"), said)
    assert not out.exists()


def test_the_folder_of_another_run_survives_a_refused_or_finished_command(train, body, tmp_path, assert_one_line):
    assert train(*body, f"out={tmp_path}", "trainer.max_kimg=0.004")[0] == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    other = ["recipe.channel_max=4", "grid=1", "trainer.max_kimg=0.008"]
    assert_one_line(train(*body, f"out={tmp_path}", *other), "holds other networks")
    code, text, _ = train(*body, f"out={tmp_path}", "trainer.max_kimg=0.004", "grid=1", "lr=0.1")
    assert code == 0
    assert "already trained" in text
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_parts_need_images_masks_and_a_network_to_start_from(train, people, tmp_path, assert_one_line):
    command = ["+model=parts", people, f"out={tmp_path}/run"]
    command += ["model.dataset.last=-2", "model.validation.first=-2"]
    assert_one_line(train(*command), "network.masks=false trains on the boxes alone")
    command += ["model.module.network.masks=false"]
    assert_one_line(train(*command, "model.module.only=masks"), "only=masks: the network has none")
    assert_one_line(train(*command, "init=face"), "holds generator, expected parts")
    assert_one_line(train(*command, f"init={__file__}"), "not written by this project")
    assert not (tmp_path / "run").exists()
