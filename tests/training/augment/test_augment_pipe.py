"""The pipeline as a whole: what it must never do, derivatives, errors."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import gradcheck, gradgradcheck

from insetgan.training.augment import SETS, AugmentPipe

ALL = "bgcfnc"


def inputs(pipe, n=2, height=8, width=6, dtype=torch.float32, seed=0):
    source = torch.Generator().manual_seed(seed)
    images = torch.rand(n, 3, height, width, generator=source, dtype=dtype) * 2 - 1
    uniforms = torch.rand(n, pipe.columns, generator=source)
    noise = torch.randn(n, 3, height, width, generator=source, dtype=dtype) if pipe.needs_noise else None
    return images, uniforms, noise


def test_the_sets():
    assert list(SETS) == "blit geom color filter noise cutout bg bgc bgcf bgcfn bgcfnc body diff".split()
    assert set(SETS["bgc"]) == set(SETS["bg"]) | set(SETS["color"])
    assert set(SETS["bgcfnc"]) - set(SETS["bgc"]) == {"imgfilter", "noise", "cutout"}
    assert set(SETS["bgc"]) - set(SETS["body"]) == {"rotate90", "rotate"}
    assert set(SETS["diff"]) == {"xint", "brightness", "contrast", "saturation", "cutout"}
    assert all(multiplier == 1 for multipliers in SETS.values() for multiplier in multipliers.values())


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(list(SETS)), st.integers(2, 9), st.integers(2, 40), st.integers(0, 1000))
def test_p_zero_changes_nothing(name, height, width, seed):
    pipe = AugmentPipe(name)
    images, uniforms, noise = inputs(pipe, 2, height, width, seed=seed)
    assert torch.equal(pipe(images, torch.tensor(0.0), uniforms, noise), images)


@pytest.mark.parametrize("name", SETS)
def test_everything_happens_at_p_one(name):
    pipe = AugmentPipe(name)
    images, uniforms, noise = inputs(pipe, n=16)
    changed = pipe(images, torch.tensor(1.0), uniforms, noise)
    assert changed.shape == images.shape and changed.isfinite().all()
    same = (changed == images).flatten(1).all(1)
    assert same.sum() <= (8 if name in ("blit", "cutout") else 0)  # a blit may be by nothing


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 1.0))
def test_an_image_depends_on_its_own_row_alone(seed, p):
    pipe = AugmentPipe(ALL)
    images, uniforms, noise = inputs(pipe, n=3, seed=seed)
    together = pipe(images, torch.tensor(p), uniforms, noise)
    for i in range(3):
        alone = pipe(images[i : i + 1], torch.tensor(p), uniforms[i : i + 1], noise[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-5, rtol=1e-5)


def test_a_third_of_the_gates_open_at_a_third():
    pipe = AugmentPipe("color", saturation=0, hue=0, brightness=0, contrast=0)
    images, _, _ = inputs(pipe, n=3000, height=2, width=2)
    uniforms = torch.rand(3000, pipe.columns)
    changed = (pipe(images, torch.tensor(1 / 3), uniforms) != images).flatten(1).any(1)
    assert changed.float().mean() == pytest.approx(1 / 6, abs=0.03)  # half of the coins say flip


def test_multipliers_scale_probabilities():
    pipe = AugmentPipe("color", brightness=0.5)
    images, uniforms, _ = inputs(pipe)
    uniforms[:] = 0.9
    uniforms[:, pipe.table.columns_of("brightness")[0]] = torch.tensor([0.2, 0.3])
    changed = pipe(images, torch.tensor(0.5), uniforms)
    assert not torch.equal(changed[0], images[0]) and torch.equal(changed[1], images[1])


def test_stages_that_are_off_cost_nothing():
    pipe = AugmentPipe("bgc", **dict.fromkeys(SETS["bgc"], 0), cutout=1)
    assert [type(stage).__name__ for stage in pipe.stages] == ["Cutout"]
    assert pipe.columns == 3
    nothing = AugmentPipe("cutout", cutout=0)
    images, uniforms, _ = inputs(nothing)
    assert torch.equal(nothing(images, torch.tensor(1.0), uniforms), images)


def test_nothing_to_keep_in_a_checkpoint():
    assert not AugmentPipe(ALL).state_dict()


# Derivatives


def test_gradcheck_and_gradgradcheck():
    pipe = AugmentPipe(ALL)
    images, uniforms, noise = inputs(pipe, n=1, height=3, width=4, dtype=torch.float64)
    images.requires_grad_()

    def augment(x):
        return pipe(x, torch.tensor(1.0), uniforms, noise)

    assert gradcheck(augment, images)
    # The pipeline is linear: only squaring gives second derivatives something to see.
    assert gradgradcheck(lambda x: augment(x).square(), images)


def test_gradient_penalty_through_the_pipeline():
    """R1 of D(x) = sum(a * augment(x)^2) / 2 against the Jacobian J of the warp: gradient J^T (a J x)."""
    pipe = AugmentPipe("bg")
    images, uniforms, _ = inputs(pipe, n=1, height=4, width=3, dtype=torch.float64)
    p, weight = torch.tensor(1.0), torch.rand(3, 4, 3, dtype=torch.float64, requires_grad=True)
    images.requires_grad_()
    jacobian = torch.autograd.functional.jacobian(lambda x: pipe(x, p, uniforms).flatten(), images).flatten(1)
    score = (weight * pipe(images, p, uniforms).square()).sum() / 2
    (gradient,) = torch.autograd.grad(score, images, create_graph=True)
    expected = jacobian.T @ (weight.flatten() * (jacobian @ images.flatten()))
    torch.testing.assert_close(gradient.flatten(), expected)
    (mine,) = torch.autograd.grad(gradient.square().sum(), weight, retain_graph=True)
    (theirs,) = torch.autograd.grad(expected.square().sum(), weight)
    torch.testing.assert_close(mine, theirs)


def test_autocast_changes_neither_images_nor_gradients():
    pipe = AugmentPipe(ALL)
    images, uniforms, noise = inputs(pipe)
    images.requires_grad_()
    p = torch.tensor(1.0)
    results = []
    for enabled in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            changed = pipe(images, p, uniforms, noise)
            (gradient,) = torch.autograd.grad(changed.square().sum(), images, create_graph=True)
            (second,) = torch.autograd.grad(gradient.square().sum(), images)
        results.append((changed, gradient, second))
    for exact, cast in zip(*results, strict=True):
        assert cast.dtype == torch.float32
        assert torch.equal(exact, cast)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_the_images_type_comes_back(dtype):
    pipe = AugmentPipe(ALL)
    images, uniforms, noise = inputs(pipe)
    p = torch.tensor(1.0)
    changed = pipe(images.to(dtype), p, uniforms, noise)
    assert changed.dtype == dtype
    exact = pipe(images.to(dtype).float(), p, uniforms, noise)
    torch.testing.assert_close(changed.float(), exact, atol=1e-4, rtol=1e-2)


# Shapes are static and nothing is read on the host


@pytest.mark.parametrize("name", SETS)
def test_no_value_is_read_on_the_host(name):
    with FakeTensorMode():  # tensors without values: reading one raises
        pipe = AugmentPipe(name)
        images = torch.zeros(2, 3, 16, 12, requires_grad=True)
        changed = pipe(images, torch.tensor(0.5), torch.zeros(2, pipe.columns), torch.zeros(2, 3, 16, 12))
        (gradient,) = torch.autograd.grad(changed.square().sum(), images, create_graph=True)
        gradient.square().sum().backward()
    assert changed.shape == images.grad.shape == (2, 3, 16, 12)


def test_compiles_to_one_graph():
    pipe = AugmentPipe(ALL)
    images, uniforms, noise = inputs(pipe)
    p = torch.tensor(0.7)
    compiled = torch.compile(pipe, fullgraph=True, backend="eager", dynamic=False)
    torch.testing.assert_close(compiled(images, p, uniforms, noise), pipe(images, p, uniforms, noise))


# Errors


@pytest.mark.parametrize(
    ("pipe", "overrides", "message"),
    [
        ("foo", {}, "augment.pipe=foo: must be one of blit, geom, color, filter, noise, cutout, bg, bgc, bgcf, bgcfn,"),
        ("bgc", {"xflop": 1}, "augment.xflop: no such setting; did you mean xflip? (allowed: xflip, rotate90,"),
        ("bgc", {"xflip": -1}, "augment.xflip=-1: must be at least 0"),
        ("bgc", {"scale_std": math.nan}, "augment.scale_std=nan: must be a finite number"),
        ("bgc", {"hue": "much"}, "augment.hue=much: must be a number"),
        ("bgcf", {"imgfilter_bands": [1, 1]}, "augment.imgfilter_bands.2: must be given"),
        ("bgcf", {"imgfilter_bands": [1, 1, 1, -1]}, "augment.imgfilter_bands.3=-1: must be at least 0"),
    ],
)
def test_settings_that_are_refused(pipe, overrides, message):
    with pytest.raises(ValueError) as caught:
        AugmentPipe(pipe, **overrides)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_inputs_that_are_refused():
    pipe = AugmentPipe(ALL)
    images, uniforms, noise = inputs(pipe)
    p = torch.tensor(1.0)
    with pytest.raises(
        ValueError, match=r"images must have the shape \[n, 3, h, w\], h and w at least 2, not \[2, 1, 8, 6\]"
    ):
        pipe(images[:, :1], p, uniforms, noise)
    with pytest.raises(ValueError, match=r"uniforms must have the shape \[2, 41\], not \[1, 41\]"):
        pipe(images, p, uniforms[:1], noise)
    with pytest.raises(ValueError, match=r"noise must have the shape \[2, 3, 8, 6\], not nothing"):
        pipe(images, p, uniforms)
    with pytest.raises(ValueError, match=r"noise must have the shape \[2, 3, 8, 6\], not \[2, 1, 8, 6\]"):
        pipe(images, p, uniforms, noise[:, :1])
