"""Intervals: how much a number would change with other images of the same generator."""

import numpy as np
import torch
from torch import Tensor

from insetgan.metrics.registry import FeatureMetric


def interval(
    metric: FeatureMetric,
    real: Tensor,
    fake: Tensor,
    *,
    rounds: int = 200,
    seed: int = 0,
    level: float = 0.95,
    value: float | None = None,
    counts: Tensor | None = None,
) -> tuple[float, float]:
    """Interval of a metric's value under resampling of the generated images; real ones too where images come in pairs.

    Each round draws half of the images without replacement (the half-sample bootstrap, McCarthy 1969; Shao and Tu 1995,
    section 5.2): for means its spread is that of the whole set under the ordinary bootstrap. Drawing with replacement would
    not do here: copies of an image are neighbours at distance 0, count as pairs in the kernel distance, and lower the rank of
    covariances. What halves have more of or less of than the whole, such as the bias of FID, is taken out: the interval is
    the value plus the quantiles of the differences from the mean of the rounds, within the metric's bounds.

    It says nothing of the choice of the real images, nor of training again.

    Args:
        metric: of `registry.feature_metrics`.
        real: features [n, d], or what else the metric takes for the real side.
        fake: features [m, d].
        rounds: 2 or more; quantiles of 95 % want 100 or more.
        seed: of the draws.
        level: share of the rounds within, between 0 and 1.
        value: of the metric on all images, where it is known already.
        counts: int64 [images], how many rows of `fake` each image gave, in order, where it is not one each: halves
            are of images, since what comes from one image is alike.

    Returns:
        Lower and upper end; NaN where the value is, and with fewer than 8 images.

    Raises:
        ValueError: too few rounds, or a level that is none.
    """
    count = min(len(real), len(fake)) if metric.paired else len(fake if counts is None else counts)
    if rounds < 2:
        raise ValueError(f"rounds={rounds}: must be 2 or more")
    if not 0 < level < 1:
        raise ValueError(f"level={level}: must be between 0 and 1")
    whole = metric.measure(real, fake) if value is None else value
    if count < 8 or not np.isfinite(whole):
        return float("nan"), float("nan")
    rows = half_samples(count, rounds, seed)
    if counts is not None:
        owners = torch.repeat_interleave(torch.arange(count), counts)
        rows = [torch.isin(owners, each).nonzero()[:, 0] for each in rows]
    found = np.array(metric.halves(real, fake, rows))
    low, high = np.quantile(found - found.mean(), [(1 - level) / 2, (1 + level) / 2])
    least, most = metric.bounds
    return float(np.clip(whole + low, least, most)), float(np.clip(whole + high, least, most))


def half_samples(count: int, rounds: int, seed: int) -> list[Tensor]:
    """Rows of half of `count` images, in order, for each round; the same for a seed."""
    random = np.random.RandomState(seed)
    return [torch.from_numpy(np.sort(random.permutation(count)[: count // 2])) for _ in range(rounds)]


def mean_interval(
    values: Tensor, *, rounds: int = 1000, seed: int = 0, level: float = 0.95, trim: float = 0.0
) -> tuple[float, float]:
    """Interval of the mean of values [n], one an image or pair, by the ordinary bootstrap.

    Args:
        values: [n], n of 2 or more; not finite ones are left out.
        rounds: draws with replacement.
        seed: of the draws.
        level: share of the rounds within, between 0 and 1.
        trim: share of the values left out at either end, as path lengths are.
    """
    exact = values.detach().cpu().double().numpy()
    known = exact[np.isfinite(exact)]
    if len(known) < 2:
        return float("nan"), float("nan")
    random = np.random.RandomState(seed)
    means = []
    for _ in range(rounds):
        drawn = known[random.randint(len(known), size=len(known))]
        means.append(trimmed_mean(drawn, trim))
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def trimmed_mean(values: np.ndarray, trim: float) -> float:
    """Mean of the values from the quantile `trim` to the quantile 1 - `trim`, both ends included."""
    if trim:
        least, most = np.quantile(values, trim, method="lower"), np.quantile(values, 1 - trim, method="higher")
        values = values[(values >= least) & (values <= most)]
    return float(values.mean())
