"""Networks of published architecture and size, with random weights: composed by refine.py within the memory of a laptop."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from published_streams import EasyDict, _reconstruct_persistent_obj, modules_called, persistent_network

from insetgan.metrics.perceptual import BACKBONES
from insetgan.networks import Generator
from insetgan.runtime.torchvision_guard import guard

ROOT = Path(__file__).resolve().parents[2]
GIB = 1 << 30


def published_pickle(path, height, width, channel_base):
    """A generator with the arguments that StyleGAN-Human's and NVIDIA's configurations have."""
    network = Generator(height=height, width=width, channel_base=channel_base, channel_max=512, conv_clamp=256)
    assert (network.z_dim, network.w_dim, network.mapping_layers) == (512, 512, 8)
    arguments = {
        "z_dim": 512, "c_dim": 0, "w_dim": 512, "img_resolution": height, "img_channels": 3,
        "mapping_kwargs": EasyDict(num_layers=8), "channel_base": channel_base, "channel_max": 512, "conv_clamp": 256,
        **({} if height == width else {"square": False}),
    }  # fmt: skip
    made = persistent_network(network.state_dict(), init_kwargs=arguments, clamp=256)
    with (
        modules_called(
            torch_utils__persistence={"_reconstruct_persistent_obj": _reconstruct_persistent_obj},
            dnnlib__util={"EasyDict": EasyDict},
        ),
        path.open("wb") as stream,
    ):
        pickle.dump({"G_ema": made, "training_set_kwargs": EasyDict(resolution=height)}, stream)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Published pickles, and a random VGG-16 in torch's cache."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("published")
    published_pickle(folder / "stylegan_human_v2_1024.pkl", 1024, 512, 32768)
    published_pickle(folder / "stylegan2-ffhq-1024x1024.pkl", 1024, 1024, 32768)
    published_pickle(folder / "stylegan2-ffhq-256x256.pkl", 256, 256, 16384)
    guard()
    from torchvision.models import vgg16

    (folder / "torch" / "hub" / "checkpoints").mkdir(parents=True)
    state = {name: value for name, value in vgg16(weights=None).state_dict().items() if name.startswith("features.")}
    torch.save(state, folder / "torch" / "hub" / "checkpoints" / BACKBONES["vgg"])
    return folder


def measured(arguments, folder):
    """Run refine.py in a process of its own: its exit code, what it said, and its largest memory in bytes."""
    environment = {**os.environ, "TORCH_HOME": str(folder / "torch"), "OMP_NUM_THREADS": "2"}
    with (folder / "log").open("w+") as log:
        command = [sys.executable, str(ROOT / "refine.py"), *arguments]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        return process.returncode, log.read(), usage.ru_maxrss * 1024


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("face", ["stylegan2-ffhq-1024x1024", "stylegan2-ffhq-256x256"])
def test_a_published_pair_is_composed_within_16_gib(networks, tmp_path, face):
    out = tmp_path / "out"
    code, said, memory = measured(
        [
            f"canvas.weights={networks}/stylegan_human_v2_1024.pkl",
            f"parts.face.weights={networks}/{face}.pkl",
            "detector=stylegan_human",
            "perceptual=lpips",
            "seeds=0",
            "steps=3",
            "schedule.block=1",  # both sides move within three steps
            f"out={out}",
        ],
        networks,
    )
    assert code == 0, said
    print(f"{face}: {memory / GIB:.2f} GiB")
    assert memory < 16 * GIB
    assert {path.name for path in out.iterdir()} >= {"results.json", "sheet.png", "report.html", "latents.safetensors"}
    results = json.loads((out / "results.json").read_text())
    assert results["samples"][0]["status"] == "ok"
    assert results["summary"]["body_change"] > 0 and results["summary"]["part_change"]["face"] > 0
