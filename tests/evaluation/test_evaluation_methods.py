"""Methods of an evaluation, on toy generators."""

import io
from functools import partial
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from insetgan.completion import method as completion_method
from insetgan.completion.method import Complete
from insetgan.detection.detector import FixedBoxes
from insetgan.detection.part import Part
from insetgan.detection.placement import SquarePlacement
from insetgan.evaluation.crops import Seen
from insetgan.evaluation.images import DatasetImages, Images
from insetgan.evaluation.method import Method, Setup
from insetgan.evaluation.methods.paste import Paste
from insetgan.evaluation.methods.refine import Refine
from insetgan.evaluation.methods.unconditional import Unconditional
from insetgan.networks.generator import Generator
from insetgan.ops.images import encode_png, to_uint8
from insetgan.ops.titles import GAP, HEAD
from insetgan.refine.latents import Latents
from insetgan.refine.problem import Problem
from insetgan.refine.starts import start_latents
from insetgan.reports.evaluation_sheet import draw_sheet
from insetgan.runtime.errors import UserError
from insetgan.runtime.settings import SettingError

BOX = (8, 8, 24, 24)


class Module:
    """Stands for a RefinementModule: knows its generators, and what a refinement starts from."""

    def __init__(self, canvas, inset):
        self.canvas = canvas
        self.generators = {"canvas": canvas, "face": inset}
        self.parts = {"face": Part("face", inset, FixedBoxes({"face": BOX}), SquarePlacement(margin=0.0))}

    def first_starts(self, name, generator, seeds):
        return start_latents(generator, seeds, 0.7)

    def problem(self, starts):
        return Problem(self.canvas, self.parts, starts)


class Run:
    """Stands for a run of refine.py."""

    parts, starts, start_fingerprint, fingerprint = ["face"], 1, "start", "refined"

    def __init__(self, module, overrides=(), folder=None):
        self.module, self.start_settings, self.folder = module, {"trunc": 0.7}, folder

    def release(self):
        pass

    def samples(self, name):
        return Samples(self.folder)


class Samples:
    """Stands for the samples of a run: their records are what `records` says."""

    records: ClassVar[dict] = {}

    def __init__(self, folder):
        self.folder = folder

    def image(self, name, image):
        return self.folder / f"{name}_{image}.png"

    def record(self, name):
        return self.records[name]


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)
    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128, "channel_max": 8}
    return Module(
        *(
            Generator(height=height, width=width, **shape).eval().requires_grad_(False)
            for height, width in ((64, 32), (16, 16))
        )
    )


@pytest.fixture
def make(module):
    def make(method, **options):
        setup = Setup("mine", 0.7, (64, 32), partial(Run, module))
        return method(setup=setup, **options)

    return make


def test_the_canvas_is_the_generators_image(make, module):
    drawn = make(Unconditional).images([3, 4])
    starts = start_latents(module.canvas, [3, 4], 0.7)
    expected = module.canvas.render(starts.tensors)
    assert torch.equal(drawn.pixels, to_uint8(expected).permute(0, 3, 1, 2))
    assert not drawn.measures
    assert make(Unconditional).path_generator is module.canvas


def test_the_paste_differs_in_the_box_alone(make):
    canvas, paste = make(Unconditional).images([1, 2]), make(Paste).images([1, 2])
    differs = (canvas.pixels != paste.pixels).any(1)
    assert differs[:, 8:24, 8:24].float().mean() > 0.5
    differs[:, 8:24, 8:24] = False
    assert not differs.any()
    assert paste.measures["body_change"].tolist() == [0, 0]
    assert paste.measures["part_change.face"].tolist() == [0, 0]
    band = (canvas.pixels.float() - paste.pixels.float()).abs()[:, :, 8:24, 8:24]
    band[:, :, 2:14, 2:14] = 0  # E_8 of a box of 16 is 2 pixels thick
    expected = band.sum((1, 2, 3)) / (3 * (16 * 16 - 12 * 12))
    torch.testing.assert_close(paste.measures["band.face"], expected)


def test_a_paste_is_read_where_a_refinement_begins_alike(module, tmp_path, monkeypatch):
    for seed, grey in ((1, 40), (2, 90)):
        (tmp_path / f"{seed}_paste.png").write_bytes(encode_png(torch.full((64, 32, 3), grey, dtype=torch.uint8)))
    record = {
        "seam_before": {"face": 3.0},
        "band_before": {"face": None},
        "part_change": {"face": 7.0},
        "body_change": 5.0,
    }
    nothing = dict.fromkeys(record)
    monkeypatch.setattr(Samples, "records", {"1": record, "2": nothing})
    methods = []
    setups = [Setup(name, 0.7, (64, 32), partial(Run, module, folder=tmp_path), methods=methods) for name in "ab"]
    paste, refine = Paste(setup=setups[0]), Refine(setup=setups[1])
    methods += [paste, refine]
    assert paste.networks == ()
    read = paste.images([1, 2])
    assert read.pixels[:, 0, 0, 0].tolist() == [40, 90]
    assert read.measures["body_change"].tolist() == [0, 0], "nothing has changed before the refinement"
    assert read.measures["part_change.face"][0] == 0 and read.measures["part_change.face"][1].isnan()
    assert read.measures["seam.face"][0] == 3 and read.measures["seam.face"][1].isnan()
    assert read.measures["band.face"].isnan().all()
    refine.refinement.starts = 2
    assert Paste(setup=setups[0]).networks == [module], "the paste of the best start is not that of the first"


def test_completion_is_given_the_hole_and_keeps_what_is_known(make, monkeypatch):
    asked = []

    def complete(network, images, known, seeds, *, trunc):
        asked.append((known, list(seeds), trunc))
        return torch.ones_like(images)  # white everywhere, also where nobody asked

    class Network:
        height, width = 64, 32

    monkeypatch.setattr(completion_method, "complete", complete)
    monkeypatch.setattr(completion_method, "load_network", lambda *_, **__: Network())
    canvas = make(Unconditional).images([5, 6]).pixels
    drawn = make(Complete, weights="some.safetensors", trunc=0.5).images([5, 6])
    ((known, seeds, trunc),) = asked
    assert (seeds, trunc) == ([5, 6], 0.5)
    assert known.shape == (2, 1, 64, 32)
    assert known[:, :, 8:24, 8:24].sum() == 0
    assert known.sum() == 2 * (64 * 32 - 16 * 16)
    assert (drawn.pixels[:, :, 8:24, 8:24] == 255).all()
    outside = known.bool().expand(-1, 3, -1, -1)
    assert torch.equal(drawn.pixels[outside], canvas[outside])
    assert set(drawn.measures) == {"seam.face", "band.face", "body_change"}


def test_numbers_that_ran_away_are_the_users_to_know(make, monkeypatch):
    class Toy:
        height, width, spaces, mean = 8, 8, {"z": ("z",)}, {"z": torch.zeros(1)}

        @staticmethod
        def render(latents):
            image = torch.zeros(len(latents["z"]), 3, 8, 8)
            image[1, 0, 0, 0] = torch.nan
            return image

    def problem(seeds):
        latents = Latents({"z": torch.zeros(2, 1)}, Toy())
        part = Part("face", Toy(), FixedBoxes({"face": (1, 1, 4, 4)}))
        return Problem(Toy(), {"face": part}, {"canvas": latents, "face": latents})

    method = make(Unconditional)
    monkeypatch.setattr(type(method), "problem", lambda self, seeds: problem(seeds))
    with pytest.raises(UserError, match="seed 7: the generator draws numbers that are not finite"):
        method.images([6, 7])


def test_settings_are_checked_where_they_are_declared(make):
    for wrong in ({"title": 3}, {"optional": "yes"}, {"overrides": [1]}, {"steps": 3}):
        with pytest.raises(SettingError):
            make(Paste, **wrong)
    with pytest.raises(SettingError, match=r"trunc=3\.0: must be at most 2"):
        make(Complete, weights="some.safetensors", trunc=3.0)


def test_a_method_is_called_by_its_title_or_its_name(make):
    assert (make(Paste).shown_title, make(Paste, title="Naive").shown_title) == ("mine", "Naive")
    assert (make(Paste).label, make(Paste).file_name) == ("mine, psi 0.7", "mine-0.7")


def test_what_a_method_must_have(make):
    for asked in (lambda method: method.fingerprint(), lambda method: method.images([0])):
        with pytest.raises(NotImplementedError):
            asked(make(Method))


def test_given_images_come_by_number():
    data = [torch.full((3, 4, 4), value, dtype=torch.uint8) for value in range(5)]
    assert DatasetImages(data).images([4, 1]).pixels[:, 0, 0, 0].tolist() == [4, 1]


def test_the_sheet_has_a_row_a_method(make):
    drawn: Images = make(Unconditional).images([0, 1, 2])
    seen = Seen(drawn.pixels[:2, :, :16, :16], torch.tensor([True, False, True]))
    one, two = (Image.open(io.BytesIO(draw_sheet([("a method", drawn.pixels, seen)] * rows))) for rows in (1, 2))
    assert two.width == one.width
    assert two.height - one.height > 224


def test_the_sheet_has_no_blank_quarter():
    images = torch.full((2, 3, 64, 32), 90, dtype=torch.uint8)
    seen = Seen(images[:1, :, :16, :16], torch.tensor([True, False]))
    sheet = Image.open(io.BytesIO(draw_sheet([("a method", images, seen)], "face")))
    strip = np.asarray(sheet)[GAP + HEAD : -GAP, GAP : GAP + 112 + GAP + 112].astype(int)
    assert strip.shape[0] == 224 + 2 + 112, "the crops stand below, as wide as the images"
    assert (strip[:224, :112] == 90).all() and (strip[226:, :112] == 90).all()
    assert (strip[226:, 112 + GAP :] == 232).all(), "a part that was not found is grey"
    assert (strip == 255).mean() < 0.05
