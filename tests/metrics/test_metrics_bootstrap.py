import math

import numpy as np
import pytest
import torch

from insetgan.metrics.bootstrap import half_samples, interval, mean_interval, trimmed_mean
from insetgan.metrics.registry import FEATURE_METRICS, feature_metrics


class Mean:
    """A metric whose spread is known: the mean of one column."""

    key, title, source, better, paired = "mean", "Mean", "", "lower", False
    bounds = (-math.inf, math.inf)

    def measure(self, real, fake):
        return float(fake.double().mean())

    def halves(self, real, fake, rows):
        return [self.measure(real, fake[each]) for each in rows]


class HalvesOff(Mean):
    """Whose value for half of the images is 10 too high, as FID's is higher for fewer images."""

    def halves(self, real, fake, rows):
        return [value + 10 for value in super().halves(real, fake, rows)]


class Extractor:
    name, title, num_features = "parts", "PartsNet", 4


def test_interval_of_a_mean_is_that_of_the_normal_distribution():
    fake = torch.randn(2000, 1) * 3 + 7
    low, high = interval(Mean(), fake[:2], fake, rounds=2000)
    reach = 1.96 * 3 / 2000**0.5
    assert low == pytest.approx(float(fake.mean()) - reach, abs=0.15 * reach)
    assert high == pytest.approx(float(fake.mean()) + reach, abs=0.15 * reach)


def test_what_halves_have_too_much_of_is_taken_out():
    fake = torch.randn(50, 1)
    assert interval(HalvesOff(), fake, fake) == pytest.approx(interval(Mean(), fake, fake), abs=1e-9)


def test_intervals_cover_the_truth_as_often_as_they_say():
    covered = 0
    for seed in range(200):
        fake = torch.randn(100, 1, generator=torch.Generator().manual_seed(seed))
        low, high = interval(Mean(), fake, fake, rounds=100, seed=seed, level=0.9)
        covered += low <= 0 <= high
    assert covered / 200 == pytest.approx(0.9, abs=0.07)


@pytest.mark.parametrize("name", FEATURE_METRICS)
def test_intervals_of_all_metrics_hold_their_value_and_its_bounds(name):
    real, fake = torch.randn(60, 4), torch.randn(60, 4) * 1.1 + 0.3
    for metric in feature_metrics([name], Extractor()):
        low, high = interval(metric, real, fake, rounds=40)
        assert low <= metric.measure(real, fake) <= high
        assert low < high
        assert metric.bounds[0] <= low and high <= metric.bounds[1]


@pytest.mark.parametrize("name", FEATURE_METRICS)
def test_what_is_faster_for_halves_is_what_the_metric_measures(name):
    # Of 15 real images, so that the kernel distance to halves of 30 takes all of both and draws no subsets.
    real, fake = torch.randn(30 if name == "ids" else 15, 4), torch.randn(30, 4) * 1.5 + 0.3
    rows = half_samples(30, 3, 0)
    for metric in feature_metrics([name], Extractor()):
        found = metric.halves(real, fake, rows)
        chosen = [(real[each] if metric.paired else real, fake[each]) for each in rows]
        assert found == pytest.approx([metric.measure(*pair) for pair in chosen], rel=1e-6)


def test_the_spread_of_fid_between_generators_runs_is_that_of_its_interval():
    metric = feature_metrics(["fid"], Extractor())[0]
    real, sets = torch.randn(2000, 4), [torch.randn(300, 4) + 0.4 for _ in range(60)]
    spread = np.std([metric.measure(real, fake) for fake in sets])
    widths = [np.diff(interval(metric, real, fake, rounds=100))[0] for fake in sets[:10]]
    assert np.mean(widths) / (2 * 1.96) == pytest.approx(spread, rel=0.3)


def test_the_same_seed_gives_the_same_interval_and_another_another():
    fake = torch.randn(50, 1)
    assert interval(Mean(), fake, fake, seed=3) == interval(Mean(), fake, fake, seed=3)
    assert interval(Mean(), fake, fake, seed=3) != interval(Mean(), fake, fake, seed=4)


def test_halves_are_half_without_copies():
    for rows in half_samples(11, 20, 0):
        assert len(rows) == 5 == len(set(rows.tolist()))
    assert len({tuple(rows.tolist()) for rows in half_samples(11, 20, 0)}) > 15


def test_a_value_that_is_none_has_no_interval():
    fake = torch.full((10, 1), math.nan)
    assert all(math.isnan(end) for end in interval(Mean(), fake, fake))


def test_a_handful_of_images_has_no_interval():
    assert all(math.isnan(end) for end in interval(Mean(), torch.randn(9, 1), torch.randn(7, 1)))
    for metric in feature_metrics(FEATURE_METRICS, Extractor()):
        metric.measure(torch.randn(3, 4), torch.randn(2, 4))  # no more than k: nothing is raised


@pytest.mark.parametrize(("settings", "message"), [({"rounds": 1}, "rounds=1"), ({"level": 1.0}, "level=1.0")])
def test_what_gives_no_interval_is_refused(settings, message):
    fake = torch.randn(50, 1)
    with pytest.raises(ValueError, match=message):
        interval(Mean(), fake, fake, **settings)


def test_interval_of_values_of_pairs():
    values = torch.randn(1000, dtype=torch.float64) + 5
    low, high = mean_interval(values)
    assert (high - low) / 2 == pytest.approx(1.96 / 1000**0.5, rel=0.15)
    assert low < float(values.mean()) < high
    assert mean_interval(torch.cat([values, torch.tensor([math.nan])]))[0] == pytest.approx(low, abs=0.01)


def test_trimmed_mean_by_hand():
    # Of 201 values the quantiles of 1 % and 99 % are the third and the third but last.
    assert trimmed_mean(np.array([-1000.0, -900.0, *range(197), 5000.0, 6000.0]), 0.01) == pytest.approx(98)
    assert trimmed_mean(np.array([0.0, 4.0]), 0.0) == 2


def test_halves_of_squares_are_halves_of_images():
    seen = []

    class Watched(Mean):
        def halves(self, real, fake, rows):
            seen.extend(rows)
            return super().halves(real, fake, rows)

    counts = torch.tensor([3, 0, 1, 2, 1, 1, 1, 1])
    owners = torch.repeat_interleave(torch.arange(8), counts)
    interval(Watched(), torch.zeros(2, 1), owners[:, None].float(), rounds=5, seed=1, counts=counts)
    for rows, images in zip(seen, half_samples(8, 5, 1), strict=True):
        chosen = set(images.tolist())
        assert rows.tolist() == [row for row, owner in enumerate(owners.tolist()) if owner in chosen]
