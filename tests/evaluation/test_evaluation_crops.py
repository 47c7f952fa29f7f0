"""Crops of parts, with their borders."""

import torch

from insetgan.detection.detector import Detection, FixedBoxes
from insetgan.detection.placement import SquarePlacement
from insetgan.evaluation.crops import Crops, cut

PLACEMENT = SquarePlacement(margin=0.0)


def ramps(count=2, height=64, width=32):
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([rows, columns, rows + columns]).to(torch.uint8).expand(count, -1, -1, -1).clone()


def test_the_box_is_grown_by_an_eighth_on_each_side():
    crops = Crops(FixedBoxes({"face": (8, 16, 24, 32)}), {"face": PLACEMENT}, 20, body=False)
    seen = crops(ramps())["face"]
    assert seen.images.shape == (2, 3, 20, 20)
    # A box of 16 grows by 2 on each side to 20, so that the crop is cut out pixel by pixel.
    assert torch.equal(seen.images, ramps()[:, :, 14:34, 6:26])
    assert seen.found.tolist() == [True, True]


def test_at_the_edge_it_is_pushed_inwards():
    crops = Crops(FixedBoxes({"face": (0, 0, 16, 16)}), {"face": PLACEMENT}, 20, body=False)
    assert torch.equal(crops(ramps())["face"].images, ramps()[:, :, :20, :20])


def test_the_body_is_the_image_itself():
    crops = Crops(FixedBoxes({"face": (8, 16, 24, 32)}), {"face": PLACEMENT}, 8)
    regions = crops(ramps())
    assert crops.names == ("body", "face")
    assert torch.equal(regions["body"].images, ramps())
    assert regions["face"].images.shape == (2, 3, 8, 8)


def test_a_part_that_is_not_there_has_no_crop():
    class Sometimes:
        names = ("face",)

        def detect(self, images):
            scores = (images.flatten(1).mean(1) > 0).float()  # only on bright images
            return {"face": Detection(torch.tensor([[8.0, 16, 24, 32]]).expand(len(images), 4), scores)}

    images = torch.stack([torch.full((3, 64, 32), value, dtype=torch.uint8) for value in (10, 250, 20, 200)])
    seen = Crops(Sometimes(), {"face": PLACEMENT}, 16)(images)["face"]
    assert seen.found.tolist() == [False, True, False, True]
    assert seen.images[:, 0, 0, 0].tolist() == [250, 200]
    none = Crops(Sometimes(), {"face": PLACEMENT}, 16)(images[:1])["face"]
    assert none.images.shape == (0, 3, 16, 16)


def test_a_crop_does_not_depend_on_what_is_cut_beside_it():
    images = torch.rand(6, 3, 64, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    boxes = torch.tensor(
        [[0, 0, 20, 20], [3, 7, 30, 34], [5, 40, 25, 60], [0, 0, 32, 32], [1, 1, 2, 2], [9, 9, 19, 19]]
    )
    together = cut(images, boxes, 16)
    alone = torch.cat([cut(images[i : i + 1], boxes[i : i + 1], 16) for i in range(6)])
    assert (together.int() - alone.int()).abs().max() <= 1
