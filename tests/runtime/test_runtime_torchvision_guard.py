import subprocess
import sys

BROKEN = """
import torch
torch.library.register_fake("torchvision::nms")(lambda dets, scores, iou: dets)
"""
WORKING = "version = 1"
OTHER = "raise RuntimeError('libjpeg is missing')"


def run(tmp_path, init):
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("from torchvision import inner\n")
    (package / "inner.py").write_text(init)
    code = "from insetgan.runtime.torchvision_guard import guard; print(guard()); import torchvision; print(torchvision.inner)"
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{code}"],
        capture_output=True,
        text=True,
    )


def test_mismatched_pair_is_repaired(tmp_path):
    result = run(tmp_path, BROKEN)
    assert result.stdout.startswith("True\n<module 'torchvision.inner'"), result.stderr


def test_matching_pair_is_left_alone(tmp_path):
    assert run(tmp_path, WORKING).stdout.startswith("False\n")


def test_other_failures_are_not_hidden(tmp_path):
    result = run(tmp_path, OTHER)
    assert result.returncode == 1
    assert "libjpeg is missing" in result.stderr


def attempt(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_the_installed_pair_works_with_lpips_and_clean_fid_whether_it_matches_or_not():
    bare = attempt("import torchvision")
    guarded = attempt(
        "import warnings; warnings.simplefilter('ignore')\n"
        "from insetgan.runtime.torchvision_guard import guard; print(guard())\n"
        "import cleanfid.fid, lpips, torch, torchvision, torchmetrics\n"
        "distance = lpips.LPIPS(net='alex', pretrained=False, pnet_rand=True, verbose=False)\n"
        "print(float(distance(torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64))))"
    )
    assert guarded.returncode == 0, guarded.stderr
    mismatched = bare.returncode != 0
    if mismatched:
        assert "torchvision::nms" in bare.stderr
    assert guarded.stdout.split() == [str(mismatched), "0.0"]
