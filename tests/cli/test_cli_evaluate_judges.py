"""A generator's file measured by itself: by several networks, in squares, and by judges of photographs."""

import json
import sys

import pytest
import torch
from PIL import Image

from insetgan.detection import litert
from insetgan.networks.mobilenet import MobileNetV2
from insetgan.weights.store import load_network, save_network


@pytest.fixture
def alone(evaluate, tiny, tmp_path, monkeypatch):
    """Run evaluate.py on a generator alone, with an empty cache: alone(*overrides) -> (code, output, errors)."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    weights = tiny[0].partition("=")[2]
    chosen = ["method=[generator]", f"method.generator.weights={weights}", "trunc=0.7", "regions=[body]"]
    return lambda *overrides: evaluate(*chosen, f"out={tmp_path}/out", *overrides)


@pytest.fixture
def mobilenet(tmp_path):
    path = tmp_path / "mobilenet.pt"
    network = MobileNetV2()
    torch.save({k.replace("layers", "features", 1): v for k, v in network.state_dict().items()}, path)
    return ["more_features=[mobilenet]", f"more_features.mobilenet.path={path}"]


@pytest.fixture
def without_litert(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    litert._loaded.cache_clear()


def test_all_that_a_candidate_is_measured_by(alone, mobilenet, without_litert, tmp_path):
    code, text, errors = alone("metrics=[fid,kfd,pfd,faces]", *mobilenet, "patch_size=16", "patches=2")
    assert code == 0, errors
    results = json.loads((tmp_path / "out/table/results.json").read_text())
    (cell,) = results["cells"]
    wanted = ["fid", "fid_mobilenet", "kfd", "kfd_mobilenet", "pfd", "pfd_mobilenet", "seen_dlib"]
    assert list(cell["figures"]) == wanted == list(results["metrics"])
    assert cell["figures"]["seen_dlib"]["value"] == 0 == results["real"]["seen"]["seen_dlib"]
    assert results["metrics"]["kfd_mobilenet"]["title"] == "kFD (MobileNetV2), 16-pixel squares round the parts"
    assert results["judges"] == {"seen_dlib": "Face (dlib)"} and results["patches"] == {"size": 16, "number": 2}
    assert list(results["left_out"]) == ["judges.mediapipe", "judges.pose"]
    assert "judges.pose is left out: person.tflite: needs ai-edge-litert: pip install 'insetgan[photos]'" in text
    assert "Not recorded what critics looked through: body.safetensors." in results["caption"]
    assert "enlarged to 1024 rows; their shares of the real ones: Face (dlib) 0.00" in results["caption"]
    again = alone("metrics=[fid,kfd,pfd,faces]", *mobilenet, "patch_size=16", "patches=2")
    assert "describing" not in again[1] and "judging" not in again[1], "everything is read back"
    statistics = f"data.statistics={tmp_path}/out/table/real.safetensors"
    assert alone("metrics=[fid,kfd,pfd]", *mobilenet, "patch_size=16", "patches=2", statistics, "name=b")[0] == 0
    known = json.loads((tmp_path / "out/b/results.json").read_text())["cells"][0]["figures"]
    assert {key: known[key]["value"] for key in wanted[:-1]} == {
        key: cell["figures"][key]["value"] for key in wanted[:-1]
    }


def test_mediapipes_judges_need_no_download(alone, tmp_path):
    code, _, errors = alone("metrics=[faces]", "judges=[mediapipe,pose]")
    assert code == 0, errors
    results = json.loads((tmp_path / "out/table/results.json").read_text())
    assert results["judges"] == {"seen_mediapipe": "Face (MediaPipe)", "seen_pose": "Pose (MediaPipe)"}
    assert set(results["real"]["seen"]) == {"seen_mediapipe", "seen_pose"} and not results["left_out"]


def test_without_any_judge_faces_are_refused(alone, without_litert, assert_one_line):
    settings = ["metrics=[faces]", "judges=[mediapipe]", "+judges.mediapipe.optional=true"]
    assert_one_line(alone(*settings), "metrics=faces: no judge is at hand: face.tflite: needs ai-edge-litert")
    code, text, _ = alone(*settings, "metrics=[fid,faces]")
    assert code == 0 and "judges.mediapipe is left out" in text


def test_a_generator_brings_its_own_size_and_its_images_are_the_canvases(alone, tiny, tmp_path):
    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128, "channel_max": 8}
    other = tmp_path / "small.safetensors"
    network = load_network(tiny[0].partition("=")[2])
    save_network(tmp_path / "same.safetensors", network, kind="generator", critics=["parts", "mobilenet"])
    save_network(other, type(network)(height=32, width=16, **shape), kind="generator")
    assert alone(f"method.generator.weights={other}", "metrics=[fid]", "name=small")[0] == 0
    results = json.loads((tmp_path / "out/small/results.json").read_text())
    assert "at 32 x 16" in results["caption"]
    both = ["method=[unconditional,generator]", f"method.generator.weights={tmp_path}/same.safetensors", "name=both"]
    assert alone(*both, "metrics=[fid]")[0] == 0
    results = json.loads((tmp_path / "out/both/results.json").read_text())
    first, second = (cell["figures"]["fid"]["value"] for cell in results["cells"])
    assert first == second
    assert "Critics looked through PartsNet, which flatters: same.safetensors." in results["caption"]
    with Image.open(tmp_path / "out/both/sheet.png") as sheet:
        assert sheet.width > 0
