"""Squares round parts and at random places, and distances of them."""

import pytest
import torch

from insetgan.detection.detector import Detection
from insetgan.evaluation.cell import Measurement
from insetgan.evaluation.crops import Crops
from insetgan.evaluation.description_module import DescriptionModule
from insetgan.evaluation.images import Images
from insetgan.evaluation.patches import AROUND_PARTS, AT_RANDOM, Patches
from insetgan.evaluation.real import RealFeatures
from insetgan.evaluation.taken import taken_metrics
from insetgan.runtime.errors import UserError

PLACES = torch.arange(20 * 12).view(1, 1, 20, 12).expand(2, 3, 20, 12).to(torch.uint8)  # each pixel says where it is


def detection(boxes, scores):
    return Detection(torch.tensor(boxes, dtype=torch.float32), torch.tensor(scores))


def test_squares_lie_round_the_middle_of_what_is_found_and_inside_the_image():
    middle = detection([[4, 6, 8, 12], [0, 0, 1, 1]], [0.9, 0.2])  # (6, 9): the square of 4 begins at (4, 7)
    corner = detection([[11, 19, 12, 20], [0, 0, 2, 2]], [0.5, 0.7])
    squares = Patches(4, [AROUND_PARTS]).cut(PLACES, {"face": middle, "feet": corner}, [0, 1])[AROUND_PARTS]
    assert squares.counts.tolist() == [2, 1]
    assert squares.images[:, 0, 0, 0].tolist() == [7 * 12 + 4, 16 * 12 + 8, 0]
    assert torch.equal(squares.images[0], PLACES[0, :, 7:11, 4:8])


def test_where_no_part_is_found_there_are_no_squares():
    nothing = detection([[0, 0, 4, 4]] * 2, [0.1, 0.1])
    squares = Patches(4, [AROUND_PARTS]).cut(PLACES, {"face": nothing}, [0, 1])[AROUND_PARTS]
    assert squares.images.shape == (0, 3, 4, 4)
    assert squares.counts.tolist() == [0, 0]


def test_random_places_depend_on_the_number_of_the_image_alone_and_reach_everywhere():
    cut = Patches(10, [AT_RANDOM], 200).cut(PLACES, {}, [3, 4])[AT_RANDOM]
    first = cut.images[:, 0, 0, 0]
    assert cut.counts.tolist() == [200, 200]
    corners = {12 * row + column for row in range(11) for column in range(3)}
    assert set(first.tolist()) == corners
    assert not torch.equal(first[:200], first[200:])
    again = Patches(10, [AT_RANDOM], 200).cut(PLACES[:1], {}, [4])[AT_RANDOM].images
    assert torch.equal(again, cut.images[200:])


def test_squares_larger_than_the_image_are_refused():
    Patches(12).check(20, 12)
    with pytest.raises(UserError, match="patch_size=13: must be at most 12, the shorter side of 20 x 12"):
        Patches(13).check(20, 12)


class Brightness:
    """Stands for a network: mean and half the mean."""

    name, title, num_features = "bright", "Brightness", 2

    def __call__(self, images):
        mean = images.float().mean((1, 2, 3))
        return torch.stack([mean, mean / 2], 1)


class Flat:
    """Images as bright as their seed, plus what is given."""

    networks = ()

    def __init__(self, more=0):
        self.more = more

    def images(self, seeds):
        return Images(torch.stack([torch.full((3, 20, 12), seed + self.more, dtype=torch.uint8) for seed in seeds]))


class Sees:
    """A part in the same place of every image."""

    def detect(self, images):
        count = len(images)
        return {"face": Detection(torch.tensor([[2.0, 2, 6, 6]]).expand(count, 4), torch.ones(count))}


class Bright:
    title = "Bright"

    def seen(self, images):
        assert images.shape[2] == 1024
        return images.float().mean((1, 2, 3)) > 4


def described(more, seeds, sets=(AROUND_PARTS, AT_RANDOM)):
    crops = Crops(Sees(), {}, 8, patches=Patches(4, sets, 3))
    extra = {"further": {"second": Brightness()}, "judges": {"seen_bright": Bright()}}
    return DescriptionModule(Flat(more), crops, Brightness(), **extra).predict_step(seeds)


def test_distances_by_hand_and_none_of_the_same_set():
    real, fake = described(0, range(8)), described(4, range(8))
    assert real.features["at_random"].shape == (24, 2)
    assert real.features["around_parts@second"].shape == (8, 2)
    names = ["fid", "kfd", "pfd"]
    measurement = Measurement(taken_metrics(names, {"": Brightness(), "second": Brightness()}, 4))
    side = RealFeatures("real", real.features, {})
    figures = measurement.cell("m", 1.0, "body", side, fake).figures
    assert list(figures) == ["fid", "fid_second", "kfd", "kfd_second", "pfd", "pfd_second"]
    for figure in figures.values():  # all spreads are alike, so that the squared difference of the means is left
        assert figure.value == pytest.approx(4**2 + 2**2, rel=1e-4)
    for figure in measurement.cell("m", 1.0, "body", side, real).figures.values():
        assert figure.value == pytest.approx(0, abs=1e-4)
    assert fake.figures["seen_bright"].tolist() == [0, 1, 1, 1, 1, 1, 1, 1]


def test_titles_say_network_size_and_places():
    titles = [each.column_title for each in taken_metrics(["kfd", "pfd"], {"": Brightness()}, 64)]
    assert titles == [
        "kFD (Brightness), 64-pixel squares round the parts",
        "pFD (Brightness), random 64-pixel squares",
    ]
