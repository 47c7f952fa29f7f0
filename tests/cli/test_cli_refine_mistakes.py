"""What a user may get wrong with refine.py, and the one line that it ends in."""

from pathlib import Path

import pytest

from insetgan.runtime.files import lock_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["trunk=0.7"], "trunk: no such setting; did you mean trunc?"),
        (["trunc=abc"], "trunc=abc: must be a number"),
        (["trunc=-1"], "trunc=-1: must be at least 0"),
        (["seeds=9-3"], "runs backwards"),
        (["steps=0"], "steps=0: must be at least 1"),
        (["batch_size=0"], "batch_size=0: must be at least 1"),
        (["objective.bordr_l1.weight=3"], "objective.bordr_l1"),
        (["objective.border_l1.weight=-3"], "objective.border_l1.weight=-3"),
        (["schedule.block=0"], "schedule.block=0"),
        (["+trunk=0.7"], "trunk: no such setting; did you mean trunc?"),
        (["+experiments=foo"], "experiments/foo: no such choice (allowed: ablation, "),
        (["out="], "out=: must not be empty"),
        (["trainer.presicion=16"], "trainer.presicion"),
        (["+trainer.limit_predict_batches=1"], "trainer.limit_predict_batches: no such setting (allowed: accelerator"),
        (["trainer.precision=64-true"], "trainer.precision=64-true: must be one of auto, 32-true, bf16-mixed"),
        (["parts.face.placement=null"], "parts.face: needs weights and placement"),
        (["parts.face.weights=null"], "parts.face: needs weights and placement"),
        (["steps=caf\u00e9"], "quote special characters"),
        (["canvas.weights=nowhere.safetensors"], "canvas.weights=nowhere.safetensors: no file"),
        (["parts.face.weights=parts"], "parts.face.weights=parts: holds parts, expected generator"),
        (["parts.face.placement.margin=abc"], "parts.face.placement.margin=abc: must be a number"),
        (["canvas.wieghts=body"], "canvas.wieghts: no such setting; did you mean weights?"),
        (["objective.border_l1.weight=abc"], "weight=abc: must be a number"),
        (["objective.border_l1.ramp=3"], "objective.border_l1.ramp=3: must be settings by name"),
        (["+objective.new=3"], "objective.new=3: must be a term"),
        (["objective=null"], "objective=null: no such choice (allowed: none, paper)"),
        (["segmenter=5"], "segmenter=5: no such choice (allowed: parts_net, torchscript)"),
        (["canvas=5"], "canvas=5: stands for several settings; give them one by one, as canvas.NAME=VALUE"),
        (["parts.face.placement=5"], "parts.face.placement=5: must name a _target_"),
        (["~schedule"], "schedule"),
        (["schedule.canvas_rate=abc"], "schedule.canvas_rate=abc: must be a number"),
        (["trunc=null"], "trunc=null: must be a number or a list"),
        (["+parts.face.wieght=face"], "parts.face.wieght: no such setting; did you mean weights? (allowed: weights"),
        (["+parts.face.mirror=perhaps"], "parts.face."),
        (["canvas.weights=null"], "canvas.weights: must name"),
        (["parts.face.placement._target_=insetgan.nope.X"], "insetgan.nope.X"),
        (
            [
                "+parts.tail.weights=face",
                "+parts.tail.placement={_target_:insetgan.detection.placement.SquarePlacement}",
            ],
            "parts.tail: the detector knows face",
        ),
        (["seeds=0-4000000000"], "at most 1000000"),
        (["seeds=[3,3]"], "3 is named twice"),
        (["mode=all"], "mode/all: no such choice (allowed: body_for_part, joint, montage, part)"),
        (["mode.optimise=[face]"], "mode.optimise.0=face: must be one of canvas, inset"),
        (["mode.terms=[seam]"], "mode.terms=seam: must be one of coarse, border, reg, body, part"),
        (["mode.terms=[part]", "drop=part"], "no term has a weight above 0"),
        (["drop=seam"], "drop=seam: must name a term (coarse_l1"),
        (["parts=[tail]"], "parts/tail: no such choice (allowed: "),
        (["region=circle"], "region=circle: must be one of box, mask"),
        (["composite=blur"], "composite=blur: must be one of paste, feather, mask"),
        (["canvas.space=z"], "canvas.space=z: must be one of w*, w, w+"),
        (["canvas.trunc=3"], "canvas.trunc=3: must be at most 2"),
        (["parts.face.trunc=[1,1,1,1,1,1,1,1,1,1,1]"], "the generator has 6 layers"),
        (["keep=2"], "keep=2: must be at most starts=1"),
        (["mode=montage", "starts=2"], "starts=2: in mode=montage all latents are given"),
        (["walk=4", "seeds=3"], "walk=4: needs two seeds or more"),
        (["walk=4", "starts=2"], "walk=4: goes with neither starts= nor video="),
        (["walk=4", "trainer.devices=2"], "trainer.devices: a walk goes on from image to image"),
        (["canvas.start=nowhere/at/all"], "canvas.start=nowhere/at/all: no such file or folder"),
        (["parts.face.start=1-3"], "parts.face.start=1-3: names 3 seeds for 8 samples"),
        (["resume_from=nowhere"], "resume_from=nowhere: no such file or folder"),
        (
            [
                "~detector.network",
                "+detector.boxes.face=[1,2,3]",
                "detector._target_=insetgan.detection.detector.FixedBoxes",
            ],
            "detector.boxes.face=",
        ),
        (["parts.fce.weights=face"], "parts.fce: there is none (there are: face); +parts.fce.NAME=VALUE adds one"),
        (
            ["preset=official", "mode=part"],
            "preset=official mode=part: the preset sets mode.exclude=[], the mode [body,part]",
        ),
        (
            ["preset=official", "schedule=together"],
            "preset=official schedule=together: the preset brings its own schedule",
        ),
        (["preset=stylegan_human", "objective=paper"], "objective=paper: the preset brings its own objective"),
        (["schedule.patience=0"], "schedule.patience=0"),
        (["schedule.together=no"], "schedule.together=no: must be true or false"),
        (["schedule.stages=[{until:0.5}]"], "schedule.stages: their ends must rise"),
        (["schedule.stages.0.until=abc"], "until=abc: must be a number"),
        (["objective.border_l1.ramp.end=abc"], "ramp.end=abc: must be a number"),
        (["objective.coarse_l1.sides=canvas"], "sides=canvas: must be a list"),
        (["mode.canvas_rate=-1"], "mode.canvas_rate=-1: must be at least 0"),
        (
            ["+objective.total={_target_:insetgan.refine.terms.coarse.CoarseL1,weight:1}"],
            "objective.total: a term cannot",
        ),
        (["resume_from=3"], "resume_from=3: no such file or folder"),
        (["starts=2", "parts.face.start=mean"], "starts=2: what mode=joint varies is given"),
    ],
)
def test_mistakes(refine, assert_one_line, arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_one_line(refine(*arguments), says)


def test_truncated_weights_and_unwritable_out(mistake, tiny, tmp_path):
    whole = Path(tiny[0].partition("=")[2])
    (tmp_path / "short.safetensors").write_bytes(whole.read_bytes()[:-64])
    assert "cut short" in mistake("refine.py", *tiny, f"canvas.weights={tmp_path}/short.safetensors", cwd=tmp_path)
    (tmp_path / "file").touch()
    says = f"out={tmp_path}/file/run: no folder can be made there (Not a directory)"
    assert says in mistake("refine.py", *tiny, f"out={tmp_path}/file/run", cwd=tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"\x93NUMPY"])
def test_broken_projections_are_named(refine, assert_one_line, tmp_path, content):
    (tmp_path / "w.npz").write_bytes(content)
    assert_one_line(refine(f"canvas.start={tmp_path}/w.npz"), "holds no latents of canvas that can be read")


def test_one_command_at_a_time_in_a_folder(refine, assert_one_line, tmp_path, monkeypatch):
    monkeypatch.setattr(
        lock_folder.__wrapped__, "__kwdefaults__", {**lock_folder.__wrapped__.__kwdefaults__, "patience": 0.1}
    )
    with lock_folder(tmp_path / "run"):
        assert_one_line(refine("seeds=0", f"out={tmp_path}/run"), "another command is writing there")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("hydra.sweeper.params={trunc:1}", "hydra.sweeper.params: is null, so that nothing can be set below it"),
        (
            "+hydra.sweeper.params.trunc=1",
            "cannot set +hydra.sweeper.params.trunc: there is nothing in which it could lie",
        ),
    ],
)
def test_what_lies_below_null_is_one_line(in_process, assert_one_line, override, said):
    assert_one_line(in_process("refine", "-m", override), said)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["parts={}"], "parts={}: changes nothing; ~parts.face takes one away"),
        (["objective={}"], "objective={}: changes nothing; ~objective."),
        (["-cn", "none"], "error: Cannot find primary config 'none'. Check that it's in your config search path."),
        (["--cfg", "job", "--package", "nope.nope"], "package 'nope.nope' not found in config"),
        (["-cd", "/nonexist"], "Additional config directory '/nonexist' not found"),
    ],
)
def test_what_changes_nothing_or_is_not_there(refine, assert_one_line, overrides, said):
    assert_one_line(refine(*overrides), said)


@pytest.mark.parametrize(
    "given", ["range(0,1e12)", "range(1e12)", "range(start=0,stop=1,step=1e-9)", "1,shuffle(range(1,10000000))"]
)
def test_ranges_of_a_sweep_are_bounded(in_process, assert_one_line, given):
    assert_one_line(in_process("refine", "-m", f"trunc={given}"), "stands for more than 100000 values")
