"""Completion of given images."""

import numpy as np
import pytest
import torch

from insetgan.completion.completion import complete, hole_difference, hole_seam, seeded_inputs
from insetgan.completion.generator import CoModGenerator
from insetgan.completion.sheet import completion_sheet
from insetgan.ops.images import seeded_latents
from insetgan.ops.titles import GAP, HEAD
from insetgan.runtime.errors import UserError


@pytest.fixture
def generator():
    net = CoModGenerator(height=16, width=8, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=8)
    return net.eval().requires_grad_(False)


def some(count=4):
    images = torch.rand(count, 3, 16, 8) * 2 - 1
    known = (torch.rand(count, 1, 16, 8) < 0.5).float()
    return images, known


def test_a_seed_gives_the_same_completion_in_any_batch_to_the_bit(generator):
    images, known = some()
    whole = complete(generator, images, known, [3, 4, 5, 3])
    assert torch.equal(whole[1:3], complete(generator, images[1:3], known[1:3], [4, 5]))
    turned = complete(generator, images.flip(0), known.flip(0), [3, 5, 4, 3])
    assert torch.equal(turned.flip(0), whole)
    assert not torch.equal(whole[:1], complete(generator, images[:1], known[:1], [9]))


def test_known_pixels_are_the_images_to_the_bit_and_others_lie_in_range(generator):
    images, known = some()
    images[0, 0, 0, 0], known[0, 0, 0, 0] = 1.5, 1.0  # beyond the range, and still not touched
    completed = complete(generator, images, known, range(4))
    visible = known.expand_as(images) > 0
    assert torch.equal(completed[visible], images[visible])
    assert float(completed[~visible].abs().max()) <= 1


def test_trunc_zero_leaves_dropout_as_the_only_chance(generator):
    images, known = some(2)
    z, dropout = seeded_inputs([1, 2], 8, 16)
    expected = generator(torch.zeros_like(z), images, known, dropout, truncation_psi=0.0).clamp(-1, 1)
    expected = torch.where(known > 0, images, expected)
    torch.testing.assert_close(complete(generator, images, known, [1, 2], trunc=0.0), expected, atol=1e-5, rtol=1e-5)


def test_latents_are_those_of_the_seed_everywhere():
    z, dropout = seeded_inputs([5, 6], 8, 4)
    assert torch.equal(z, seeded_latents([5, 6], 8))
    source = np.random.RandomState(6)
    source.randn(8)
    assert np.allclose(dropout[1], source.random_sample(4))


def test_nothing_to_complete_gives_nothing(generator):
    assert complete(generator, torch.zeros(0, 3, 16, 8), torch.zeros(0, 1, 16, 8), []).shape == (0, 3, 16, 8)


def test_what_does_not_fit_is_refused(generator):
    images, known = some(2)
    with pytest.raises(UserError, match=r"images are 8 x 8 .* this network completes 16 x 8"):
        complete(generator, images[:, :, :8], known[:, :, :8], [0, 1])
    with pytest.raises(ValueError, match="2 images need as many seeds"):
        complete(generator, images, known, [0])
    with pytest.raises(ValueError, match="known must be 1"):
        complete(generator, images, known * 0.5, [0, 1])


def test_measures_by_hand():
    images = torch.zeros(1, 2, 4, 3, dtype=torch.uint8)
    images[:, :, 2:] = 10
    completions, known = images.clone(), torch.ones(1, 1, 2, 4)
    known[..., 2:] = 0  # the border lies where the image steps by 10
    completions[:, :, 2:] = 30
    assert hole_seam(images, completions, known).tolist() == [3.0]
    assert hole_difference(images, completions, known).tolist() == [20.0]
    flat = torch.zeros_like(images)
    assert hole_seam(flat, completions, known).tolist() == [30.0], "a flat image's step counts as 1"


def test_the_sheet_shows_hole_completion_and_image():
    images, known = torch.full((3, 3, 4, 2), 1.0), torch.zeros(3, 1, 4, 2)
    sheet = completion_sheet(images, known, torch.full_like(images, -1.0), columns=2)
    rows = [GAP + HEAD + number * (HEAD + 4 + GAP) for number in range(6)]
    assert len(sheet) == rows[-1] + 4 + GAP
    assert [sheet[row, GAP].tolist()[0] for row in rows] == [128, 0, 255] * 2
    for row in rows:
        assert (sheet[row - HEAD : row] < 128).any(), "a title stands over the row"
