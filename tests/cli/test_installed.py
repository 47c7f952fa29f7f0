"""The wheel and the sdist carry all that the commands need, and `insetgan` works from any folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel, built from the sdist, which is built from the tracked files."""
    folder = tmp_path_factory.mktemp("build")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        if not name.startswith("tests/"):
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "source" / name)
    build = "import sys; from setuptools import build_meta as b; print(getattr(b, sys.argv[1])(sys.argv[2]))"
    for step, where in (("build_sdist", folder / "source"), ("build_wheel", None)):
        if where is None:
            shutil.unpack_archive(next(folder.glob("*.tar.gz")), folder)
            where = next(path for path in folder.glob("insetgan-*") if path.is_dir())
        done = subprocess.run(
            [sys.executable, "-c", build, step, str(folder)], cwd=where, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Run the installed program from an empty folder: installed(*arguments, cwd=...) -> CompletedProcess."""
    target = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", target], check=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(target), "platbase": str(target)}))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*pip, str(wheel)], check=True)
    # What this environment has, behind the wheel; a path in a .pth file does not run the .pth files that lie there, so the
    # checkout itself, which is installed here for development, is not seen.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    program = target / "bin" / "insetgan"
    program.write_text(f"#!{target}/bin/python\nfrom insetgan.cli.command import main\nmain()\n")
    program.chmod(0o755)
    plain = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def run(*arguments, cwd):
        environment = plain | {"HOME": str(cwd), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=600
        )

    return run


@pytest.mark.slow
def test_the_wheel_holds_conf_and_experiments(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    here = [path for folder in ("conf", "experiments") for path in (ROOT / folder).rglob("*.yaml")]
    assert {f"insetgan/{path.relative_to(ROOT)}" for path in here} <= names
    assert {"insetgan/data/people.zip", "insetgan/reports/report.html.j2"} <= names
    assert {"insetgan/weights/body.safetensors", "insetgan/weights/known.yaml"} <= names
    assert {f"insetgan/detection/mediapipe/{name}.tflite" for name in ("face", "palm", "person", "landmarks")} <= names
    assert "insetgan/detection/mediapipe/LICENSE" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("conf/", "tests/"))]
    entry_points = next(name for name in names if name.endswith("entry_points.txt"))
    assert "insetgan = insetgan.cli.command:main" in zipfile.ZipFile(wheel).read(entry_points).decode()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_commands_work_from_an_empty_folder(installed, tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "mine.yaml").write_text(
        "# python refine.py +experiments=mine\nsteps: 3\nseeds: 4\nout: mine\n"
    )
    assert installed("--version", cwd=tmp_path).stdout.startswith("insetgan ")
    for arguments, made in [
        (["refine", "seeds=0-1", "steps=20", "out=refined"], "refined/sheet.png"),
        (["refine", "+experiments=mine"], "mine/samples/4_refined.png"),
        (
            ["train", "+model=face", "trainer.max_kimg=0.1", "quality.num=8", "quality.num_real=8", "out=t"],
            "t/last.ckpt",
        ),
        (["evaluate", "num=4", "bootstrap=0", "method=[unconditional]", "trunc=0.7", "out=e"], "e/table/table.md"),
    ]:
        result = installed(*arguments, cwd=tmp_path)
        assert result.returncode == 0, result.stdout + result.stderr
        assert (tmp_path / made).exists(), made


@pytest.mark.slow
def test_groups_of_a_folder_of_ones_own(installed, tmp_path):
    (tmp_path / "mine" / "schedule").mkdir(parents=True)
    (tmp_path / "mine" / "schedule" / "short.yaml").write_text("defaults:\n  - alternate\npatience: 7\n")
    shown = installed("refine", "--config-dir", "mine", "schedule=short", "--cfg", "job", cwd=tmp_path)
    assert shown.returncode == 0 and "patience: 7" in shown.stdout, shown.stderr
