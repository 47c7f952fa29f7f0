import torch

from insetgan.data.share import Share
from insetgan.training.draws import Draws


def numbers(draws):
    parts = [draws.normal(3), draws.uniforms(2), draws.coins()[:, None], draws.indices(9)[:, None]]
    return torch.cat([part.double() for part in parts], dim=1)


def test_they_depend_on_seed_images_and_phase_only():
    first = numbers(Draws(1, 8, Share(4), stream="Gmain"))
    torch.manual_seed(99)
    assert torch.equal(numbers(Draws(1, 8, Share(4), stream="Gmain")), first)
    for other in (Draws(2, 8, Share(4)), Draws(1, 16, Share(4)), Draws(1, 8, Share(4), stream="Dmain")):
        assert not torch.equal(numbers(other), first)


def test_parts_of_a_batch_draw_what_the_whole_batch_would():
    def everything(draws):
        return [draws.normal(3), draws.images(3, 4, 2), draws.happens(0.5), draws.integer(0, 99), draws.uniforms(2)]

    whole = everything(Draws(1, 8, Share(8)))
    for part in range(4):
        share = Share(8, 4, part, group=2)
        for of_all, mine in zip(whole, everything(Draws(1, 8, share)), strict=True):
            if isinstance(mine, torch.Tensor):
                assert torch.equal(mine, of_all[share.places])
            else:
                assert mine == of_all


def test_layers_draw_other_noise_in_each_part():
    noise = []
    for part in range(2):
        Draws(1, 8, Share(8, 2, part))
        noise.append(torch.randn(3))
    assert not torch.equal(*noise)
    Draws(1, 8, Share(8, 2, 0))
    assert torch.equal(torch.randn(3), noise[0])


def test_fewer_draw_for_a_smaller_batch():
    whole = Draws(1, 8, Share(8)).fewer(2).normal(3)
    assert whole.shape == (4, 3)
    parts = [Draws(1, 8, Share(8, 2, part)).fewer(2).normal(3) for part in range(2)]
    assert torch.equal(torch.cat(parts), whole)


def test_uniforms_leave_out_both_ends():
    uniforms = Draws(0, 0, Share(2000)).uniforms(500)
    assert 0 < uniforms.min() < 1e-4
    assert 1 > uniforms.max() > 1 - 1e-4
    assert torch.erfinv(2 * uniforms - 1).isfinite().all()
