"""StyleGAN3's files where users name weights: composed with each other and with StyleGAN2, drawn, mixed, converted and back."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from published_streams import EasyDict, alias_free_pickle
from safetensors.torch import load_file

import insetgan
from insetgan.metrics.path_length import path_lengths
from insetgan.networks import Discriminator, Generator
from insetgan.networks.alias_free import AliasFreeGenerator
from insetgan.ops.images import to_uint8
from insetgan.runtime.errors import UserError
from insetgan.training.gan_module import GANModule
from insetgan.training.transfer import start_from
from insetgan.weights.store import load_network, save_network

SHAPE = {"z_dim": 8, "w_dim": 8, "channel_base": 256, "channel_max": 8}
BOX = [
    "detector._target_=insetgan.detection.detector.FixedBoxes",
    "~detector.network",
    "+detector.boxes.face=[4,4,20,20]",
]


def write(path, size, seed, c_dim=0, **kind):
    torch.manual_seed(seed)
    network = AliasFreeGenerator(height=size, width=size, c_dim=c_dim, **SHAPE, **kind).eval().requires_grad_(False)
    for name, buffer in network.named_buffers():
        if name.endswith("magnitude_ema"):
            buffer.fill_(0.05)
    said = {
        **SHAPE,
        "c_dim": c_dim,
        "img_resolution": size,
        "img_channels": 3,
        "mapping_kwargs": EasyDict(num_layers=2),
    }
    said |= {"conv_kernel": kind.get("conv_kernel", 3), "use_radial_filters": kind.get("radial_filters", False)}
    alias_free_pickle(path, network.state_dict(), said)
    return network


@pytest.fixture
def files(tmp_path):
    """A canvas of configuration T, 32 x 32, an inset of R, 16 x 16, and a face of StyleGAN2."""
    write(tmp_path / "t.pkl", 32, 0)
    write(tmp_path / "r.pkl", 16, 1, conv_kernel=1, radial_filters=True)
    face = Generator(height=16, width=16, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=8)
    save_network(tmp_path / "face.safetensors", face, kind="generator")
    return tmp_path


@pytest.mark.parametrize(("canvas", "face"), [("t.pkl", "r.pkl"), ("t.pkl", "face.safetensors"), ("r.pkl", "t.pkl")])
def test_it_is_canvas_and_inset(files, in_process, canvas, face):
    weights = [f"canvas.weights={files}/{canvas}", f"parts.face.weights={files}/{face}"]
    boxes = BOX if canvas == "t.pkl" else [*BOX[:2], "+detector.boxes.face=[3,3,11,11]"]
    run = ["refine", *weights, *boxes, "seeds=0", "steps=4", "schedule.block=2", f"out={files}/out"]
    code, _, errors = in_process(*run)
    assert code == 0, errors
    (sample,) = json.loads((files / "out" / "results.json").read_text())["samples"]
    assert sample["status"] == "ok" and sample["body_change"] > 0
    found = load_file(files / "out" / "latents.safetensors")
    assert found["canvas.delta"].shape == (1, 16, 8) and found["canvas.delta"].any(), "w* moves, layer by layer"
    code, text, _ = in_process(*run)
    assert code == 0 and "all of them were finished before" in text


def test_generate_draws_mixes_and_walks(files, in_process):
    code, _, errors = in_process("generate", f"weights={files}/t.pkl", "seeds=3", "trunc=1", f"out={files}/drawn")
    assert (code, errors) == (0, "")
    (path,) = (files / "drawn" / "images").glob("*.png")
    z = torch.from_numpy(np.random.RandomState(3).randn(1, 8)).float()
    expected = to_uint8(load_network(files / "t.pkl")(z))[0]
    assert expected.float().std() > 5, "an image with something in it"
    assert np.abs(np.asarray(Image.open(path), int) - expected.numpy().astype(int)).max() <= 1
    for settings in (["mix=[0,1]", "layers=0-3"], ["walk=[0,1]", "frames=2"]):
        code, _, errors = in_process("generate", f"weights={files}/r.pkl", *settings, f"out={files}/{settings[0][:4]}")
        assert (code, errors) == (0, "")
    write(files / "labels.pkl", 16, 2, c_dim=3)
    code, _, errors = in_process("generate", f"weights={files}/labels.pkl", "label=2", "seeds=0", f"out={files}/two")
    assert (code, errors) == (0, "")


def test_convert_goes_there_and_back(files, in_process, monkeypatch):
    monkeypatch.chdir(files)
    code, text, errors = in_process("convert", "in=r.pkl", "out=r.safetensors", "info=true")
    assert code == 0, errors
    assert "radial_filters" in text and "w_avg" in text and (files / "outputs" / "convert" / "r.png").is_file()
    code, text, errors = in_process("convert", "in=r.safetensors", "out=again.pkl")
    assert code == 0 and "Generator(**init_kwargs)" in text, errors
    z = torch.randn(2, 8)
    drawn = [load_network(files / name)(z) for name in ("r.pkl", "r.safetensors", "again.pkl")]
    assert torch.equal(drawn[0], drawn[1]) and torch.equal(drawn[0], drawn[2])
    code, _, errors = in_process("convert", "in=r.pkl", "out=r.pt")
    assert code == 2 and "AliasFreeGenerator" in errors and len(errors.strip().splitlines()) == 1


def test_a_notebook_and_path_lengths(files):
    generator = insetgan.load(files / "t.pkl")
    assert insetgan.draw(generator, [0, 1], [0.9, 0.5]).shape == (2, 3, 32, 32)
    found = path_lengths(generator, lambda a, b: (a - b).square().flatten(1).sum(1), range(3))
    assert (found > 0).all() and found.isfinite().all()


def test_its_latents_are_found_from_an_image(files, in_process, tiny_networks):
    pixels = np.random.RandomState(0).randint(0, 256, (32, 32, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(files / "me.png")
    run = [
        f"weights={files}/t.pkl",
        f"image={files}/me.png",
        "perceptual=parts_net",
        tiny_networks["perceptual"],
        "start=mean",
        "steps=2",
    ]
    code, _, errors = in_process("invert", *run, f"out={files}/found")
    assert code == 0, errors
    code, _, errors = in_process("invert", *run, "space=w+f", f"out={files}/features")
    assert (code, errors) == (2, "error: space=w+f: needs a StyleGAN2 generator, such as those of weights=\n")


def test_a_training_of_stylegan2_does_not_begin_with_it(files):
    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128, "channel_max": 8}
    sizes = {"height": 16, "width": 16, "channel_base": 128, "channel_max": 8}
    module = GANModule(Generator(height=16, width=16, **shape), Discriminator(**sizes), batch_size=4)
    for strict in (True, False):
        with pytest.raises(UserError, match=r"t\.pkl: holds a StyleGAN3 generator, and this trains a StyleGAN2"):
            start_from(module, files / "t.pkl", strict=strict)
