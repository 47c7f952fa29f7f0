"""Each transformation by hand."""

import math

import pytest
import torch

from insetgan.training.augment import AugmentPipe
from insetgan.training.augment.sliding import reflected
from insetgan.training.augment.stages import _shifted
from insetgan.training.augment.warp import Warp
from insetgan.training.augment.wavelets import filter_bank


@pytest.fixture
def images():
    return torch.randn(2, 3, 12, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def waves(height, width, matrix=None):
    """A smooth image, seen through a map of places (x, y, 1) in pixels from the centre."""
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64) - (height - 1) / 2,
        torch.arange(width, dtype=torch.float64) - (width - 1) / 2,
        indexing="ij",
    )
    x, y, _ = (torch.eye(3, dtype=torch.float64) if matrix is None else matrix) @ torch.stack(
        [x.flatten(), y.flatten(), torch.ones(height * width, dtype=torch.float64)]
    )
    values = torch.stack([torch.cos(0.21 * x + 0.13 * y + phase) for phase in (0, 1, 2)])
    return values.view(1, 3, height, width)


def done_alone(row, half, images, pipe, **numbers):
    return pipe(images, half, row(pipe, len(images), **numbers))


# Geometry


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 0, 1.3], [0, 1, 1.6], [0, 0, 1]],
        [[math.cos(0.4), -math.sin(0.4), 0], [math.sin(0.4), math.cos(0.4), 0], [0, 0, 1]],
        [[0.8, 0, 0], [0, 0.8, 0], [0, 0, 1]],
        [[1.1, 0.2, 1.5], [-0.1, 0.9, 0.5], [0, 0, 1]],
    ],
)
def test_warp_looks_up_smooth_images(matrix):
    matrix = torch.tensor(matrix, dtype=torch.float64)
    warped = Warp()(waves(40, 48), matrix[None])
    inside = (slice(None), slice(None), slice(12, -12), slice(12, -12))
    assert (warped - waves(40, 48, matrix))[inside].abs().max() < 0.05
    assert (waves(40, 48) - waves(40, 48, matrix))[inside].abs().max() > 0.2


@pytest.mark.parametrize(("x", "y"), [(0, 0), (3, -2), (-5, 4), (1000, -77)])
def test_whole_pixels_are_exact_and_mirrors_reach_any_distance(images, x, y):
    inverse = torch.tensor([[1.0, 0, x], [0, 1, y], [0, 0, 1]], dtype=torch.float64).expand(2, 3, 3)
    expected = reflected(reflected(images, x, 16, axis=3), y, 12, axis=2)
    torch.testing.assert_close(Warp()(images, inverse), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(2, 2), (3, 7), (33, 5), (64, 48), (130, 2)])
def test_warp_of_any_size(height, width):
    images = torch.randn(1, 3, height, width)
    warped = Warp()(images, torch.eye(3)[None])
    torch.testing.assert_close(warped, images, atol=1e-4, rtol=0)


def test_xint_is_a_share_of_the_size_in_whole_pixels(images, row, half):
    pipe = AugmentPipe("blit")
    moved = done_alone(row, half, images, pipe, xint=(0.99, 0.2))  # x 0.98 * 2 -> 2, y -0.6 * 1.5 -> -1
    expected = reflected(reflected(images, -2, 16, axis=3), 1, 12, axis=2)
    torch.testing.assert_close(moved, expected, atol=1e-6, rtol=0)
    assert torch.equal(moved[:, :, 1:4, 5:9].round(decimals=5), images[:, :, 2:5, 3:7].round(decimals=5))


@pytest.mark.parametrize("size", [(12, 16), (2, 5), (33, 2)])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (3, -2), (-5, 4), (1000, -77)])
def test_shifts_alone_are_looked_up_as_the_warp_would(size, x, y):
    images = torch.randn(2, 3, *size, dtype=torch.float64)
    inverse = torch.tensor([[[1, 0, x], [0, 1, y], [0, 0, 1]], [[1, 0, -y], [0, 1, 0], [0, 0, 1]]], dtype=torch.float64)
    torch.testing.assert_close(_shifted(images, inverse), Warp()(images, inverse), atol=1e-6, rtol=0)


def test_shifts_alone_need_no_warp(images, row, half):
    only = {"brightness": 0, "contrast": 0, "saturation": 0, "cutout": 0}
    plain = AugmentPipe("diff", **only)
    assert plain.stages[0].warp is None
    assert AugmentPipe("diff", scale=1).stages[0].warp is not None
    moved = done_alone(row, half, images, plain, xint=(0.99, 0.2))  # 2 to the right and 1 up
    expected = reflected(reflected(images, -2, 16, axis=3), 1, 12, axis=2)
    assert torch.equal(moved, expected)


def test_flips_and_quarter_turns_of_smooth_images(row, half):
    """Up to the asymmetry of sym6, which the public implementation shows too."""
    pipe, images = AugmentPipe("blit"), waves(32, 32)
    flipped = done_alone(row, half, images, pipe, xflip=0.7)
    assert (flipped - images.flip(3)).abs()[:, :, 4:-4, 4:-4].max() < 0.05
    for number, turns in ((0.1, 0), (0.3, 1), (0.6, 2), (0.9, 3)):
        turned = done_alone(row, half, images, pipe, rotate90=number)
        expected = images.rot90(turns, (2, 3))
        assert (turned - expected).abs()[:, :, 4:-4, 4:-4].max() < 0.05
    torch.testing.assert_close(done_alone(row, half, images, pipe, xflip=0.3), images, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("name", "values", "inverse"),
    [
        ("scale", (1.0,), [[2**-0.2, 0, 0], [0, 2**-0.2, 0]]),  # larger
        ("aniso", (1.0,), [[2**-0.2, 0, 0], [0, 2**0.2, 0]]),  # wider, lower
        ("xfrac", (1.0, -2.0), [[1, 0, -2.0], [0, 1, 3.0]]),  # an eighth of 16 to the right, a quarter of 12 up
    ],
)
def test_normal_geometry(images, row, half, percentile, name, values, inverse):
    pipe = AugmentPipe("geom")
    numbers = [percentile(value) for value in values]
    drawn = pipe.table(row(pipe, 2, **{name: numbers}), half)
    expected = torch.tensor([*inverse, [0, 0, 1]], dtype=torch.float64).expand(2, 3, 3)
    torch.testing.assert_close(pipe.stages[0].inverse(drawn, 12, 16), expected, atol=1e-6, rtol=0)


def test_both_rotations_turn_the_same_way_and_the_stretch_lies_between(row, half, percentile):
    pipe = AugmentPipe("geom")
    drawn = pipe.table(row(pipe, rotate_before=0.75, aniso=percentile(5), rotate_after=0.25), half)
    # By a quarter turn, doubled along x and halved along y, and by a quarter turn back: halved along x.
    expected = torch.diag(torch.tensor([2.0, 0.5, 1.0], dtype=torch.float64))[None]
    torch.testing.assert_close(pipe.stages[0].inverse(drawn, 12, 16), expected, atol=1e-5, rtol=0)


# Colour


def test_brightness_then_contrast(images, row, half, percentile):
    changed = done_alone(row, half, images, AugmentPipe("color"), brightness=percentile(-1), contrast=percentile(2))
    torch.testing.assert_close(changed, (images - 0.2) * 2, atol=1e-6, rtol=0)


def test_lumaflip_mirrors_the_grey_part(images, row, half):
    changed = done_alone(row, half, images, AugmentPipe("color"), lumaflip=0.6)
    torch.testing.assert_close(changed, images - 2 * images.mean(1, keepdim=True))
    assert torch.equal(done_alone(row, half, images, AugmentPipe("color"), lumaflip=0.4), images)


def test_hue_turns_red_to_green_to_blue(images, row, half):
    third = 0.5 + 1 / 3  # of a turn, where 0 is half a turn back and 1 half a turn on
    changed = done_alone(row, half, images, AugmentPipe("color"), hue=third)
    torch.testing.assert_close(changed, images[:, [2, 0, 1]], atol=1e-6, rtol=0)


def test_saturation_scales_the_distance_from_grey(images, row, half, percentile):
    changed = done_alone(row, half, images, AugmentPipe("color"), saturation=percentile(1))
    grey = images.mean(1, keepdim=True)
    torch.testing.assert_close(changed, grey + 2 * (images - grey), atol=1e-6, rtol=0)


# Filtering


def gains(pipe, drawn):
    return pipe.stages[0].gains(drawn)[0].tolist()


def test_gains_keep_the_expected_power(row, half, percentile):
    pipe = AugmentPipe("filter")
    drawn = pipe.table(row(pipe, imgfilter0=percentile(1)), half)  # the lowest band, twice
    norm = math.sqrt(10 / 13 * 4 + 3 / 13)
    assert gains(pipe, drawn) == pytest.approx([2 / norm, 1 / norm, 1 / norm, 1 / norm])
    drawn = pipe.table(row(pipe, imgfilter0=percentile(1), imgfilter2=percentile(-1)), half)
    other = math.sqrt(12 / 13 + 1 / 13 / 4)
    assert gains(pipe, drawn) == pytest.approx([v / norm / other for v in (2, 1, 0.5, 1)])


def test_filter_amplifies_waves_by_their_band(row, half, percentile):
    """Cosines that the mirror continues: k half periods from the first pixel to the last."""
    pipe = AugmentPipe("filter")
    uniforms = row(pipe, imgfilter0=percentile(1), imgfilter1=percentile(-2), imgfilter3=percentile(0.5))
    gain = torch.tensor(gains(pipe, pipe.table(uniforms, half)), dtype=torch.float64)
    height, width = 10, 41
    for k, m in ((0, 0), (3, 0), (11, 2), (40, 9)):
        frequencies = m * math.pi / (height - 1), k * math.pi / (width - 1)
        down, across = (
            torch.cos(frequency * torch.arange(size, dtype=torch.float64))
            for frequency, size in zip(frequencies, (height, width), strict=True)
        )
        image = (down[:, None] * across).expand(1, 3, -1, -1)
        taps = torch.arange(43, dtype=torch.float64) - 21
        factor = math.prod(float(gain @ filter_bank() @ torch.cos(frequency * taps)) for frequency in frequencies)
        torch.testing.assert_close(pipe(image, half, uniforms), factor * image, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [2, 5, 300])
def test_filter_of_any_size_keeps_constants_constant(row, half, percentile, size):
    pipe = AugmentPipe("filter")
    changed = pipe(torch.ones(1, 3, size, size), half, row(pipe, imgfilter0=percentile(1)))
    factor = 4 / (10 / 13 * 4 + 3 / 13)
    torch.testing.assert_close(changed, torch.full_like(changed, factor), atol=1e-4, rtol=0)


def test_bands_that_are_switched_off_take_no_columns():
    pipe = AugmentPipe("filter", imgfilter_bands=[1, 0, 0, 0.5])
    assert [variable.name for variable in pipe.table.variables] == ["imgfilter0", "imgfilter3"]
    assert pipe.columns == 4


# Corruption


def test_noise_is_added_with_the_drawn_strength(images, row, half):
    pipe, noise = AugmentPipe("noise"), torch.randn_like(images)
    changed = pipe(images, half, row(pipe, 2, noise=0.6826894921370859), noise)  # one standard deviation
    torch.testing.assert_close(changed, images + 0.1 * noise)


def test_cutout_blanks_half_of_each_side(images, row, half):
    images = images.abs() + 1
    changed = done_alone(row, half, images, AugmentPipe("cutout"), cutout=(0.5, 1.0))
    expected = images.clone()
    expected[:, :, 9:, 4:12] = 0  # x in the middle, y at the lower border, half of it outside
    assert torch.equal(changed, expected)


def test_cutout_of_another_size(images, row, half):
    changed = done_alone(row, half, images.abs() + 1, AugmentPipe("cutout", cutout_size=0.25), cutout=(0.5, 6.5 / 12))
    assert (changed == 0).sum((2, 3)).unique().tolist() == [12]
    assert not changed[:, :, 5:8, 6:10].any()
