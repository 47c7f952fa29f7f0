import pytest
import torch

from insetgan.ops.regions import Region, feather, outside_all


def test_composite_is_the_canvas_outside_and_the_inset_inside():
    canvas, inset = torch.rand(2, 3, 40, 30), torch.rand(2, 3, 16, 16)
    region = Region.at(torch.tensor([[2, 3, 18, 19], [5, 10, 21, 26]]), (40, 30), (16, 16))
    composite = region.composite(canvas, inset)
    outside = ~region.inside.expand_as(canvas)
    assert torch.equal(composite[outside], canvas[outside])
    assert torch.allclose(composite[0, :, 3:19, 2:18], inset[0], atol=1e-6)
    assert torch.allclose(composite[1, :, 10:26, 5:21], inset[1], atol=1e-6)


def test_cropping_what_was_pasted_gives_the_inset_back_at_the_working_size():
    canvas, inset = torch.rand(1, 3, 100, 80), torch.rand(1, 3, 64, 64)
    region = Region.at(torch.tensor([[7, 20, 71, 84]]), (100, 80), (64, 64))
    assert torch.allclose(region.crop(region.composite(canvas, inset)), inset, atol=1e-5)


def test_constant_colours_survive_every_way_round():
    region = Region.at(torch.tensor([[3, 4, 40, 41]]), (64, 48), (128, 128))
    flat = torch.full((1, 3, 128, 128), 0.3)
    assert torch.allclose(region.shrink(flat), torch.full((1, 3, 64, 64), 0.3))
    assert torch.allclose(region.paste(flat)[region.inside.expand(1, 3, 64, 48)], torch.tensor(0.3))
    assert torch.allclose(region.crop(torch.full((1, 3, 64, 48), 0.3)), torch.full((1, 3, 64, 64), 0.3))


def test_an_inset_of_working_size_is_not_resampled():
    region = Region.at(torch.tensor([[0, 0, 8, 8]]), (8, 8), (64, 64))
    inset = torch.rand(1, 3, 64, 64)
    assert region.shrink(inset) is inset


def test_masks_are_nested_and_scaled():
    region = Region.at(torch.tensor([[0, 0, 32, 32]]), (40, 40), (64, 64))
    assert int(region.band.sum()) == 32 * 32 - 24 * 24  # 4 pixels: an eighth of 32
    assert int(region.edge.sum()) == 32 * 32 - 30 * 30
    assert int(region.working_band.sum()) == 64 * 64 - 48 * 48
    assert bool((region.edge <= region.band).all()) and bool((region.band <= region.inside).all())


def test_outside_is_outside_of_every_box():
    regions = [Region.at(torch.tensor([box]), (8, 8), (4, 4)) for box in ([0, 0, 4, 4], [4, 4, 8, 8])]
    outside = outside_all(regions)[0, 0]
    assert int(outside.sum()) == 32 and not outside[0, 0] and not outside[7, 7] and outside[0, 7]


@pytest.mark.parametrize("box", [[-1, 0, 4, 4], [0, 0, 9, 4], [0, 3, 4, 3], [0, 0, 4, 17]])
def test_boxes_that_leave_the_canvas_or_are_empty_are_refused(box):
    with pytest.raises(ValueError, match="box"):
        Region.at(torch.tensor([[0, 0, 2, 2], box]), (16, 8), (4, 4))


def test_a_feather_rises_over_the_band_but_not_at_the_edge_of_the_image():
    weights = feather(torch.tensor([[0, 8, 32, 40]]), 64, 48)[0, 0]
    assert weights[24, 0] == 1, "nothing lies behind the left side"
    assert torch.allclose(weights[24, 28:32], torch.tensor([0.875, 0.625, 0.375, 0.125]))
    assert torch.allclose(weights[8:12, 16], torch.tensor([0.125, 0.375, 0.625, 0.875]))
    assert weights[24, 8] == 1


def test_blends_agree_outside_the_box_and_deep_inside():
    canvas, inset = torch.rand(2, 3, 40, 30), torch.rand(2, 3, 16, 16)
    region = Region.at(torch.tensor([[2, 3, 18, 19], [5, 10, 21, 26]]), (40, 30), (16, 16))
    paste, soft = region.composite(canvas, inset), region.composite(canvas, inset, "feather")
    outside = ~region.inside.expand_as(canvas)
    assert torch.equal(soft[outside], canvas[outside])
    assert torch.allclose(soft[0, :, 8:14, 8:12], paste[0, :, 8:14, 8:12])
    border = (soft - canvas)[0, :, 3, 8].abs()
    assert (border <= (paste - canvas)[0, :, 3, 8].abs() * 0.25 + 1e-6).all()


def test_a_mask_bounds_what_is_covered_but_never_leaves_the_box():
    canvas, inset = torch.zeros(1, 3, 40, 30), torch.ones(1, 3, 16, 16)
    mask = torch.zeros(1, 1, 40, 30)
    mask[..., :10, :] = 0.5
    region = Region.at(torch.tensor([[2, 3, 18, 19]]), (40, 30), (16, 16)).masked(mask)
    composite = region.composite(canvas, inset, "mask")
    assert torch.allclose(composite[0, :, 3:10, 2:18], torch.tensor(0.5))
    assert composite[0, :, 10:].max() == 0 and composite[0, :, :3].max() == 0
    assert torch.allclose(outside_all([region])[0, 0, 3:10, 2:18], torch.tensor(0.5))
    seen = region.seen_from_inset(region.cover)
    assert seen.shape == (1, 1, 16, 16)
    assert torch.allclose(seen[0, 0, :6], torch.tensor(0.5)) and seen[0, 0, 8:].max() == 0


def test_absent_parts_cover_nothing():
    boxes = torch.tensor([[2, 3, 18, 19], [5, 10, 21, 26]])
    region = Region.at(boxes, (40, 30), (16, 16), torch.tensor([True, False]))
    assert not region.inside[1].any() and not region.band[1].any() and region.cover[1].max() == 0
    canvas, inset = torch.rand(2, 3, 40, 30), torch.rand(2, 3, 16, 16)
    assert torch.equal(region.composite(canvas, inset)[1], canvas[1])


def test_the_window_holds_all_boxes_and_shows_what_is_pasted():
    inset = torch.rand(2, 3, 16, 16)
    region = Region.at(torch.tensor([[2, 3, 18, 19], [5, 10, 21, 26]]), (40, 30), (16, 16))
    assert region.window == (3, 26, 2, 21)
    assert torch.equal(region.paste_in_window(inset), region.through_window(region.paste(inset)))
    assert region.through_window(region.inside).sum() == region.inside.sum()
    there = torch.tensor([False, True])
    assert Region.at(region.boxes, (40, 30), (16, 16), there).window == (10, 26, 5, 21), "absent parts take no room"
    assert Region.at(region.boxes, (40, 30), (16, 16), ~there & False).window == (0, 1, 0, 1)
