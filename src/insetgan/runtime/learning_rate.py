"""The learning rate of networks that are trained for a number of images known before."""

import math


def half_cosine(highest: float, kimg: float, total_kimg: float, rise: float) -> float:
    """Learning rate that rises in a straight line and then falls as half a cosine.

    Args:
        highest: rate to which it would rise without the fall.
        kimg: thousands of images seen.
        total_kimg: of the whole run, at which the rate is 0.
        rise: share of the run over which it rises, above 0.
    """
    done = min(kimg / total_kimg, 1.0)
    return highest * min(done / rise, 1.0) * (0.5 + 0.5 * math.cos(math.pi * done))
