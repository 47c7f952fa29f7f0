"""A generator with a fixed label draws what the conditional one draws of that label."""

import pytest
import torch

from insetgan.networks import Generator
from insetgan.networks.labelled import LabelledGenerator, parse_label, with_label
from insetgan.runtime.errors import UserError


def make(c_dim=3):
    return Generator(
        height=8, width=8, z_dim=8, w_dim=8, c_dim=c_dim, mapping_layers=2, channel_base=64, channel_max=8
    ).eval()


def test_it_draws_the_label_and_no_other():
    generator, z = make(), torch.randn(4, 8)
    generator.mapping.w_avg.normal_()
    for number in range(3):
        labelled = with_label(generator, number, key="canvas.label")
        c = torch.eye(3)[[number] * 4]
        assert torch.equal(labelled(z, truncation_psi=0.7), generator(z, c, truncation_psi=0.7))
        assert torch.equal(labelled.mapping(z, truncation_psi=0.5), generator.mapping(z, c, truncation_psi=0.5))
    first, second = (with_label(generator, number, key="l")(z) for number in (0, 1))
    assert not torch.allclose(first, second, atol=1e-3)
    assert torch.equal(labelled.mapping.w_avg, generator.mapping.w_avg)
    assert (labelled.height, labelled.num_ws, labelled.w_dim, labelled.c_dim) == (8, generator.num_ws, 8, 0)


def test_a_vector_is_a_label_too():
    generator, z = make(), torch.randn(2, 8)
    labelled = with_label(generator, [0.0, 0.25, 1.0], key="canvas.label")
    assert isinstance(labelled, LabelledGenerator)
    assert torch.equal(labelled(z), generator(z, torch.tensor([[0.0, 0.25, 1.0]] * 2)))


def test_a_generator_without_labels_stays_itself():
    generator = make(0)
    assert with_label(generator, None, key="canvas.label") is generator
    with pytest.raises(UserError, match=r"^canvas.label=3: this generator has no labels; leave the setting away$"):
        with_label(generator, 3, key="canvas.label")
    with pytest.raises(
        UserError, match=r"^canvas.label: this generator is conditional; .* from 0 to 2, or a list of 3"
    ):
        with_label(make(), None, key="canvas.label")


@pytest.mark.parametrize(
    "label", [3, -1, True, 1.5, "1", [1.0, 0.0], [0, 1, 2, 3], [0, 0, float("nan")], [0, 0, "a"], [True, False, False]]
)
def test_labels_that_do_not_fit_are_refused(label):
    with pytest.raises(
        UserError, match=r"^parts.face.label=.*: must be a whole number from 0 to 2, or a list of 3 numbers"
    ):
        parse_label(label, 3, key="parts.face.label")
