"""Sources of pictures, on toy generators."""

import pytest
import torch

from insetgan.detection.detector import FixedBoxes
from insetgan.detection.part import Part
from insetgan.detection.placement import SquarePlacement
from insetgan.evaluation.pictures import CanvasPictures, CompletedPictures, DatasetPictures, PastedPictures
from insetgan.networks.generator import Generator
from insetgan.ops.images import to_uint8
from insetgan.refine.problem import Problem
from insetgan.refine.starts import start_latents
from insetgan.reports.evaluation_sheet import draw_sheet
from insetgan.runtime.errors import UserError

BOX = (8, 8, 24, 24)


@pytest.fixture(scope="module")
def problem():
    torch.manual_seed(0)
    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128, "channel_max": 8}
    canvas, inset = (
        Generator(height=height, width=width, **shape).eval().requires_grad_(False)
        for height, width in ((64, 32), (16, 16))
    )
    part = Part("face", inset, FixedBoxes({"face": BOX}), SquarePlacement(margin=0.0))

    def make(seeds):
        starts = {"canvas": start_latents(canvas, seeds, 0.7), "face": start_latents(inset, seeds, 0.7)}
        return Problem(canvas, {"face": part}, starts)

    return make


def test_the_canvas_is_the_generators_picture(problem):
    drawn = CanvasPictures(problem, []).draw([3, 4])
    made = problem([3, 4])
    expected = made.canvas.synthesis(made.starts["canvas"].ws, noise_mode="const")
    assert torch.equal(drawn.pictures, to_uint8(expected).permute(0, 3, 1, 2))
    assert not drawn.figures


def test_the_paste_differs_in_the_box_alone(problem):
    canvas, paste = CanvasPictures(problem, []).draw([1, 2]), PastedPictures(problem, []).draw([1, 2])
    differs = (canvas.pictures != paste.pictures).any(1)
    assert differs[:, 8:24, 8:24].float().mean() > 0.5
    differs[:, 8:24, 8:24] = False
    assert not differs.any()
    assert paste.figures["body_change"].tolist() == [0, 0]
    band = (canvas.pictures.float() - paste.pictures.float()).abs()[:, :, 8:24, 8:24]
    band[:, :, 2:14, 2:14] = 0  # E_8 of a box of 16 is 2 pixels thick
    expected = band.sum((1, 2, 3)) / (3 * (16 * 16 - 12 * 12))
    torch.testing.assert_close(paste.figures["band.face"], expected)


def test_completion_is_given_the_hole_and_keeps_what_is_known(problem):
    asked = []

    def complete(pictures, known, seeds):
        asked.append((known, list(seeds)))
        return torch.ones_like(pictures)  # white everywhere, also where nobody asked

    canvas = CanvasPictures(problem, []).draw([5, 6]).pictures
    drawn = CompletedPictures(problem, [], complete).draw([5, 6])
    ((known, seeds),) = asked
    assert seeds == [5, 6]
    assert known.shape == (2, 1, 64, 32)
    assert known[:, :, 8:24, 8:24].sum() == 0
    assert known.sum() == 2 * (64 * 32 - 16 * 16)
    assert (drawn.pictures[:, :, 8:24, 8:24] == 255).all()
    outside = known.bool().expand(-1, 3, -1, -1)
    assert torch.equal(drawn.pictures[outside], canvas[outside])
    assert set(drawn.figures) == {"seam.face", "band.face", "body_change"}


def test_numbers_that_ran_away_are_the_users_to_know():
    problem = _Broken()
    with pytest.raises(UserError, match="seed 7: the generator draws numbers that are not finite"):
        CanvasPictures(problem, []).draw([6, 7])


class _Broken:
    def __call__(self, seeds):
        from insetgan.refine.latents import Latents

        class Toy:
            height, width, num_ws, w_dim = 8, 8, 1, 1

            @staticmethod
            def draw(ws):
                picture = torch.zeros(len(ws), 3, 8, 8)
                picture[1, 0, 0, 0] = torch.nan
                return picture

        codes = Latents(torch.zeros(2, 1), torch.zeros(2, 1, 1), torch.zeros(1))
        part = Part("face", Toy(), FixedBoxes({"face": (1, 1, 4, 4)}))
        return Problem(Toy(), {"face": part}, {"canvas": codes, "face": codes})


def test_given_pictures_come_by_number():
    data = [torch.full((3, 4, 4), value, dtype=torch.uint8) for value in range(5)]
    assert DatasetPictures(data).draw([4, 1]).pictures[:, 0, 0, 0].tolist() == [4, 1]


def test_the_sheet_has_a_row_a_method(problem):
    import io

    from PIL import Image

    from insetgan.evaluation.crops import Seen

    pictures = CanvasPictures(problem, []).draw([0, 1, 2]).pictures
    seen = Seen(pictures[:2, :, :16, :16], torch.tensor([True, False, True]))
    one, two = (Image.open(io.BytesIO(draw_sheet([("a method", pictures, seen)] * rows))) for rows in (1, 2))
    assert two.width == one.width
    assert two.height - one.height > 224
