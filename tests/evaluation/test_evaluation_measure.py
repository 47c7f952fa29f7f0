import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from insetgan.data.archive import Archive
from insetgan.evaluation.measure import main, measure
from insetgan.metrics.distribution import Reference
from insetgan.metrics.features import PartsFeatures
from insetgan.metrics.images import quantised
from insetgan.networks.generator import Generator
from insetgan.ops.images import seeded_latents
from insetgan.runtime.errors import UserError
from insetgan.weights.store import load_network, save_network

HELD_OUT = Path(__file__).parents[1] / "assets" / "people_heldout.zip"
NUMBER = r"-?[\d.]+(?:e[+-]\d+)?"
DISTANCES = rf"frechet_parts ({NUMBER}), kernel_parts ({NUMBER})"
HEAD = r"small\.safetensors (\S+ x \S+), (\d+) images, to (\d+) of (\S+)"
LINE = rf"{HEAD}: {DISTANCES}; halves of the real ones: {DISTANCES}\n?$"


def write_generator(path, **settings):
    sizes = {"height": 16, "width": 8, "z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128}
    network = Generator(**(sizes | {"channel_max": 8} | settings)).eval()
    save_network(path, network, kind="generator")
    return network


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.safetensors"
    write_generator(path)
    return path


@pytest.fixture
def folder(tmp_path):
    out = tmp_path / "images"
    out.mkdir()
    for index in range(6):
        pixels = torch.randint(256, (16, 8, 3), dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(out / f"{index}.png")
    return out


def test_the_line_holds_the_distance_of_the_generators_images_to_the_archives(small, folder):
    line = measure(str(small), str(folder), num=5, seed=3)
    found = re.match(LINE, line)
    assert found.groups()[:4] == ("16 x 8", "5", "5", "images")
    images = [torch.from_numpy(Archive(folder).image(index)).permute(2, 0, 1) for index in range(6)]
    z, extractor = seeded_latents(range(3, 8), 8), PartsFeatures(load_network("parts"))
    with torch.no_grad():
        fake = quantised(load_network(small)(z))
    distances = [  # one of six is left out, whichever
        Reference("parts", extractor(torch.stack(images[:out] + images[out + 1 :]))).distances(extractor(fake))
        for out in range(6)
    ]
    assert any(float(found[5]) == pytest.approx(each["Metrics/frechet_parts"], rel=1e-3) for each in distances)


def test_crops_of_blossoms_are_compared_with(small, folder):
    write_generator(small, width=16)
    entries = {f"{index}.png": {"boxes": {"blossom": [0, 2, 8, 12] if index else None}} for index in range(6)}
    (folder / "parts.json").write_text(json.dumps({"parts": ["blossom"], "images": entries}))
    line = measure(str(small), str(folder), part="blossom", num=9)
    assert "16 x 16, 9 images, to 5 of images (blossom): " in line  # one image shows none


@pytest.mark.parametrize("part", ["face", "feet", "hands"])
def test_crops_of_parts_are_compared_with(tmp_path, part):
    path = tmp_path / "small.safetensors"
    write_generator(path, height=16, width=16)
    line = measure(str(path), str(HELD_OUT), part=part, num=4)
    assert f"({part})" in line


def test_conditional_generators_draw_labels_of_the_archive(small, folder):
    names = ", ".join(f'["{index}.png", {index % 2}]' for index in range(6))
    (folder / "dataset.json").write_text(f'{{"labels": [{names}]}}')
    write_generator(small, c_dim=2)
    assert re.match(LINE, measure(str(small), str(folder), num=6))
    write_generator(small, c_dim=3)
    with pytest.raises(UserError, match="labels have 2 values, the generator takes 3"):
        measure(str(small), str(folder), num=6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "{folder}"], "generator=nowhere: no file"),
        (["{small}", "{folder}/nothing"], "nothing: no such file or folder"),
        (["parts", "{folder}"], "expected generator"),
        (["body", "{folder}", "--part", "face"], "crops are square"),
        (["{small}", "{folder}", "--num", "3"], "num=3: must be 4 or more"),
        (["{small}", "{folder}", "--num", "many"], "--num"),
        (["{small}", "{folder}", "--seed", "-1"], "seed=-1: must be from 0 to"),
        (["{small}", "{folder}", "--part", "nose"], "invalid choice: 'nose'"),
        (["{small}", "{folder}", "--features", "{folder}/0.png"], "not a whole TorchScript file"),
        (["{small}", "{folder}", "--features", "nowhere.whl"], "features=nowhere.whl: no such file"),
        (["{small}"], "archive"),
    ],
)
def test_mistakes_end_in_one_line_and_exit_code_2(monkeypatch, capsys, small, folder, arguments, message):
    given = [each.format(small=small, folder=folder) for each in arguments]
    monkeypatch.setattr(sys, "argv", ["measure", *given])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err and printed.err.startswith("error: ") and printed.err.count("\n") == 1


def test_as_a_command_nothing_but_the_line_is_printed(small, folder):
    command = [sys.executable, "-m", "insetgan.evaluation.measure", str(small), str(folder), "--num", "4"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert re.match(LINE, done.stdout), done.stderr
    assert (done.stdout.count("\n"), done.stderr, done.returncode) == (1, "", 0)
