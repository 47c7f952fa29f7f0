import pytest
import torch
from torch import nn

from insetgan.metrics.bootstrap import trimmed_mean
from insetgan.metrics.path_length import TRIM, face_crop, path_length, path_lengths
from insetgan.networks import Generator
from insetgan.networks.layered import Layered
from insetgan.runtime.errors import UserError


class Linear(Layered, nn.Module):
    """w = z, and image A w: the length of a step of epsilon is |A (w2 - w1)|^2 for squared distances."""

    z_dim = 5

    def __init__(self):
        super().__init__()
        self.matrix = torch.randn(3 * 8 * 8, self.z_dim)
        self.given = []

    def mapping(self, z):
        self.given.append(z)
        return z[:, None].repeat(1, 2, 1)

    def draw(self, ws):
        return (ws[:, 0] @ self.matrix.T).view(-1, 3, 8, 8)


def squared(ours, theirs):
    return (ours - theirs).square().flatten(1).sum(1)


@pytest.mark.parametrize("sampling", ["end", "full"])
def test_a_linear_generator_in_closed_form(sampling):
    generator = Linear()
    found = path_lengths(generator, squared, range(20), sampling=sampling, epsilon=1e-2)
    ends = torch.cat(generator.given).unflatten(0, (-1, 2))
    expected = ((ends[:, 1] - ends[:, 0]) @ generator.matrix.T).square().sum(1)
    torch.testing.assert_close(found, expected.double(), rtol=1e-3, atol=0)


def test_the_published_step_is_exact_enough_in_single_precision():
    generator = Linear()
    large, small = (path_lengths(generator, squared, range(20), epsilon=epsilon) for epsilon in (1e-2, 1e-4))
    torch.testing.assert_close(small, large, rtol=0.02, atol=0)


def test_end_and_full_differ_where_the_generator_is_not_linear():
    class Curved(Linear):
        def draw(self, ws):
            return super().draw(ws**2)

    end, full = (path_lengths(Curved(), squared, range(10), sampling=each) for each in ("end", "full"))
    # By the chain rule 2 A diag(w_t) (w2 - w1), at t = 0 for "end".
    generator = Curved()
    generator.matrix = torch.eye(192, 5)
    found = path_lengths(generator, squared, range(10), epsilon=1e-3)
    ends = torch.cat(generator.given).unflatten(0, (-1, 2)).double()
    expected = (2 * ends[:, 0] * (ends[:, 1] - ends[:, 0])).square().sum(1)
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0)
    assert not torch.allclose(end, full, rtol=0.1)


def test_a_seed_has_its_length_in_any_share_and_its_own_image_at_the_end():
    generator = Linear()
    whole = path_lengths(generator, squared, range(40), sampling="full")
    parts = [path_lengths(generator, squared, share, sampling="full") for share in (range(3), range(3, 40))]
    torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-3, atol=0)
    from insetgan.ops.images import seeded_latents

    generator.given.clear()
    path_lengths(generator, squared, [7])
    assert torch.equal(generator.given[0][:1], seeded_latents([7], 5))


def test_the_mean_leaves_the_hundredth_out_at_either_end():
    generator = Linear()
    found = path_lengths(generator, squared, range(200))
    assert path_length(generator, squared, 200) == pytest.approx(trimmed_mean(found.numpy(), TRIM))
    ordered = found.sort().values
    assert ordered[2:-2].mean() < path_length(generator, squared, 200) * 1.02
    assert path_length(generator, squared, 200) < found.mean()


def test_crops_are_what_is_compared():
    generator, seen = Linear(), []
    path_lengths(generator, lambda a, b: seen.append(a.shape) or squared(a, b), [0], crop=face_crop)
    assert seen == [(1, 3, 4, 4)]
    image = torch.arange(64.0).view(1, 1, 8, 8)
    assert torch.equal(face_crop(image), image[:, :, 3:7, 2:6])


def test_generators_of_this_package_have_path_lengths():
    generator = Generator(height=16, width=8, z_dim=8, w_dim=8, mapping_layers=2, channel_base=64, channel_max=8).eval()
    found = path_lengths(generator, squared, range(3), epsilon=1e-3)
    assert found.shape == (3,)
    assert bool((found > 0).all())


@pytest.mark.parametrize(
    ("settings", "message"), [({"sampling": "middle"}, "end, full"), ({"epsilon": 0.0}, "epsilon=0.0")]
)
def test_mistakes_are_named(settings, message):
    with pytest.raises(UserError, match=message):
        path_lengths(Linear(), squared, [0], **settings)


def test_labelled_generators_are_refused():
    generator = Linear()
    generator.c_dim = 3
    with pytest.raises(UserError, match="labels"):
        path_lengths(generator, squared, [0])


def test_a_generator_without_w_is_refused():
    with pytest.raises(UserError, match="path lengths are measured in W, which this generator does not have"):
        path_lengths(nn.Identity(), squared, range(2))
