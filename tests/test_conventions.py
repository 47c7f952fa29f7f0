"""One test a line of docs/conventions.md."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from insetgan.completion.completion import complete
from insetgan.completion.generator import CoModGenerator
from insetgan.completion.mask_files import read_known
from insetgan.data.share import Share
from insetgan.networks import Generator
from insetgan.ops.boxes import band_thickness, inside_boxes
from insetgan.ops.images import from_uint8, make_grid, seeded_latents, to_uint8
from insetgan.ops.resampling import crop_matrix
from insetgan.refine.terms.difference import masked_l1
from insetgan.training.draws import Draws

TINY = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 64, "channel_max": 8}


def test_every_line_has_its_test():
    text = (Path(__file__).parents[1] / "docs" / "conventions.md").read_text()
    named = set(re.findall(r"`(test_\w+)`", text))
    assert named
    assert named <= set(globals()), named - set(globals())


def test_images():
    images = torch.tensor([-1.0, 0.0, 1.0, 3.0, -3.0]).reshape(1, 1, 1, 5).expand(1, 3, 1, 5)
    assert to_uint8(images)[0, 0, :, 0].tolist() == [0, 128, 255, 255, 0]
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).expand(1, 16, 16, 3)
    assert torch.equal(to_uint8(from_uint8(every)), every)


def test_sizes():
    assert Generator(height=16, width=8, **TINY)(torch.zeros(1, 8)).shape == (1, 3, 16, 8)
    assert make_grid(torch.zeros(4, 3, 6, 5), 2, gap=1).shape == (1, 3, 13, 11)


def test_boxes():
    inside = inside_boxes(torch.tensor([[1, 2, 4, 3]]), 5, 6)
    assert inside[0, 0].nonzero().tolist() == [[2, 1], [2, 2], [2, 3]]


def test_resampling():
    # Enlarging two pixels to four: centres at 1/4, 3/4 of a pixel, the ends repeated.
    matrix = crop_matrix(torch.tensor([0]), torch.tensor([2]), 2, 4)[0]
    expected = torch.tensor([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]], dtype=matrix.dtype)
    torch.testing.assert_close(matrix, expected)


def test_trunc():
    generator = Generator(height=8, width=8, **TINY).eval()
    generator.mapping.w_avg.normal_()
    z = torch.randn(2, 8)
    full, average = generator.mapping(z), generator.mapping.w_avg
    torch.testing.assert_close(generator.mapping(z, truncation_psi=0.7), average + 0.7 * (full - average))
    torch.testing.assert_close(generator.mapping(z, truncation_psi=0.0), average.expand_as(full))


def test_seeds():
    z = seeded_latents([3, 5], 4)
    assert z[1].tolist() == pytest.approx(np.random.RandomState(5).randn(4))


def test_known(tmp_path):
    mask = np.zeros((8, 4), np.uint8)
    mask[:4] = 255
    Image.fromarray(mask).save(tmp_path / "a.png")
    known = read_known(tmp_path, ["a.jpg"], 8, 4)
    assert known[0, 0, :, 0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    images = torch.rand(1, 3, 8, 4)
    completed = complete(CoModGenerator(height=8, width=4, **TINY), images, known, [0])
    assert torch.equal(completed[:, :, :4], images[:, :, :4])
    assert not bool((completed[:, :, 4:] == images[:, :, 4:]).any())


@pytest.mark.slow
def test_left_and_right():
    from insetgan_renderers.people.render import render_person

    centres = []
    for seed in range(12):
        boxes = render_person(seed, 128, 64).boxes
        if boxes["hand_left"] and boxes["hand_right"]:
            centres.append(
                boxes["hand_left"][0] + boxes["hand_left"][2] - boxes["hand_right"][0] - boxes["hand_right"][2]
            )
    assert np.median(centres) > 0


def test_draws():
    whole = Draws(3, 800, Share(8), stream="Gmain").normal(4)
    for part in range(2):
        share = Share(8, 2, part, group=2)
        assert torch.equal(Draws(3, 800, share, stream="Gmain").normal(4), whole[share.places])
    assert not torch.equal(Draws(3, 800, Share(8), stream="Dmain").normal(4), whole)


def test_clock():
    source = Path(__file__).parents[1] / "src" / "insetgan"
    uses = [path.name for path in source.rglob("*.py") if re.search(r"\.global_step\b", path.read_text())]
    assert not uses


def test_loss_values():
    small, large = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 16, 16)
    for images in (small, large):
        everywhere = torch.ones(2, 1, *images.shape[2:], dtype=torch.bool)
        assert masked_l1(images, images + 0.5, everywhere).tolist() == [0.5, 0.5]


def test_band():
    assert band_thickness(torch.tensor([[0, 0, 64, 64], [0, 0, 40, 40], [0, 0, 5, 5]])).flatten().tolist() == [8, 5, 1]
