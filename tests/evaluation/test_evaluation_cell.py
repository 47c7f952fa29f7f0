"""Cells: the right numbers of the right region."""

import math

import pytest
import torch

from insetgan.evaluation.cell import Cell, Measurement
from insetgan.evaluation.feature_folder import Described
from insetgan.evaluation.real import RealFeatures
from insetgan.evaluation.taken import Taken


class Gap:
    """Difference of the means: a metric that one can work out in the head."""

    key, title, source, better, bounds, paired = "gap", "Gap", "", "lower", (0.0, math.inf), False

    def measure(self, real, fake):
        return abs(float(real.mean() - fake.mean()))

    def halves(self, real, fake, rows):
        return [self.measure(real, fake[chosen]) for chosen in rows]


def fake(face=8, **figures):
    found = torch.arange(16) < face
    features = {"body": torch.full((16, 2), 3.0), "face": torch.full((face, 2), 5.0)}
    named = {name: torch.tensor(values) for name, values in figures.items()}
    return Described(features, {"body": torch.ones(16, dtype=torch.bool), "face": found}, named)


REAL = RealFeatures("ten", {"body": torch.zeros(10, 2), "face": torch.ones(9, 2)}, {"body": 0, "face": 1})


def test_each_region_is_measured_against_its_own():
    measurement = Measurement([Taken(Gap())])
    assert measurement.cell("m", 0.7, "body", REAL, fake()) == Cell(
        "m", 0.7, "body", 16, 0, {"gap": measurement_figure(3.0)}
    )
    assert measurement.cell("m", 0.7, "face", REAL, fake()) == Cell(
        "m", 0.7, "face", 8, 8, {"gap": measurement_figure(4.0)}
    )


def measurement_figure(value):
    from insetgan.evaluation.cell import Figure

    return Figure(value)


@pytest.mark.parametrize("face", [0, 1])
def test_a_region_that_too_few_show_has_no_distance(face):
    cell = Measurement([Taken(Gap())]).cell("m", 0.7, "face", REAL, fake(face))
    assert (cell.n, cell.missing, cell.figures) == (face, 16 - face, {})


@pytest.mark.parametrize("count", [0, 1])
def test_a_region_that_too_few_real_images_show_has_no_distance(count):
    real = RealFeatures(
        "ten", {"body": torch.zeros(10, 2), "face": torch.ones(count, 2)}, {"body": 0, "face": 10 - count}
    )
    cell = Measurement([Taken(Gap())]).cell("m", 0.7, "face", real, fake())
    assert (cell.n, cell.missing, cell.figures) == (8, 8, {})


def test_figures_beside_are_medians_and_means_of_those_known():
    values = [1.0, 2.0, 9.0, math.nan]
    known = fake(**{"seam.face": values, "lpips_diversity.face": values, "body_change": values})
    measurement = Measurement([], ["seam", "lpips_diversity", "body_change", "band"])
    face, body = (measurement.cell("m", 0.7, region, REAL, known).figures for region in ("face", "body"))
    assert {key: figure.value for key, figure in face.items()} == {"seam": 2.0, "lpips_diversity": 4.0}
    assert {key: figure.value for key, figure in body.items()} == {"body_change": 2.0}


def test_intervals_hold_the_value_and_are_the_same_each_time():
    torch.manual_seed(0)
    known = Described(
        {"body": torch.randn(64, 2)}, {"body": torch.ones(64, dtype=torch.bool)}, {"body_change": torch.rand(64)}
    )
    first, second = (
        Measurement([Taken(Gap())], ["body_change"], rounds=50).cell("m", 1.0, "body", REAL, known).figures
        for _ in range(2)
    )
    assert first == second
    for figure in first.values():
        assert figure.low <= figure.value <= figure.high
    assert first["body_change"].high - first["body_change"].low > 0.01


def test_intervals_of_medians_are_those_of_the_normal_distribution():
    values = torch.linspace(0, 1, 1001).tolist()  # the median of n such values has the standard deviation 0.5 / n^0.5
    measurement = Measurement([], ["body_change"], rounds=2000)
    figure = measurement.cell("m", 1.0, "body", REAL, fake(body_change=values)).figures["body_change"]
    assert figure.high - figure.low == pytest.approx(2 * 1.96 * 0.5 / 1001**0.5, rel=0.1)


@pytest.mark.parametrize("rounds", [0, 20])
def test_path_lengths_are_trimmed_and_distances_of_pairs_are_not(rounds):
    values = [1.0] * 200 + [202.0]
    known = fake(**{"ppl.body": values, "lpips_diversity.body": values})
    figures = Measurement([], ["ppl", "lpips_diversity"], rounds=rounds).cell("m", 1.0, "body", REAL, known).figures
    assert {key: figure.value for key, figure in figures.items()} == {
        "ppl": 1.0,
        "lpips_diversity": pytest.approx(2.0),
    }


def test_progress_is_told_of_every_metric():
    told = []
    Measurement([Taken(Gap()), Taken(Gap())], on_figure=lambda: told.append(1)).cell("m", 1.0, "face", REAL, fake(0))
    assert len(told) == 2


def test_the_column_of_a_measure_has_its_unit_in_words():
    from insetgan.evaluation.cell import Column
    from insetgan.metrics.measures import MEASURES

    columns = {measure.name: Column.of(measure) for measure in MEASURES}
    assert (columns["seam"].title, columns["seam"].better) == ("Seam", "one")
    assert columns["band"].title == "Band, grey levels of 255"
    assert columns["body_change"].of_change and not columns["band"].of_change


def test_further_extractors_and_squares_are_measured_by_their_own_features():
    counts = torch.tensor([2.0] * 8 + [0.0] * 8)
    known = Described(
        {
            "body": torch.full((16, 2), 3.0),
            "body@eye": torch.full((16, 2), 8.0),
            "around_parts": torch.full((16, 2), 6.0),
        },
        {"body": torch.ones(16, dtype=torch.bool)},
        {"count.around_parts": counts},
    )
    features = {"body": torch.zeros(10, 2), "body@eye": torch.ones(10, 2), "around_parts": torch.full((4, 2), 1.5)}
    real = RealFeatures("ten", features, {"body": 0})
    taken = [Taken(Gap()), Taken(Gap(), "eye"), Taken(Gap(), squares="around_parts", key="kfd", title="kFD")]
    figures = Measurement(taken).cell("m", 0.7, "body", real, known).figures
    assert {key: figure.value for key, figure in figures.items()} == {"gap": 3.0, "gap_eye": 7.0, "kfd": 4.5}
    assert [each.column_title for each in taken] == ["Gap", "Gap", "kFD"]


def test_without_two_squares_there_is_no_distance_of_them():
    known = Described(
        {"body": torch.zeros(3, 2), "around_parts": torch.zeros(1, 2)},
        {"body": torch.ones(3, dtype=torch.bool)},
        {"count.around_parts": torch.tensor([1.0, 0.0, 0.0])},
    )
    real = RealFeatures("two", {"body": torch.zeros(2, 2), "around_parts": torch.zeros(2, 2)}, {})
    taken = [Taken(Gap(), squares="around_parts", key="kfd")]
    assert Measurement(taken, rounds=3).cell("m", 0.7, "body", real, known).figures == {}


def test_what_judges_see_counts_as_a_share():
    figures = Measurement([], ["seen_a"], rounds=20).cell("m", 1.0, "body", REAL, fake(seen_a=[1.0, 0, 0, 0])).figures
    assert figures["seen_a"].value == 0.25
