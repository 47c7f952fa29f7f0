"""P-IDS and U-IDS: how well a line tells generated images from real ones by their features."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from torch import Tensor

from insetgan.metrics.features import FeatureExtractor
from insetgan.runtime.errors import UserError


def discriminative_scores(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """Paired and unpaired inception discriminative score (Zhao et al. 2021, "Large Scale Image Completion ...").

    A linear support vector machine learns to tell both sets apart, and is asked about those that it has learned from.
    U-IDS is the share that it gets wrong: 0.5 at best. P-IDS is the share of pairs whose generated image looks more real
    to it than the real one, image i being completed from real image i; of sets without pairs it compares strangers.
    Both are close to 0 when there are fewer images than features: a line then tells anything from anything.

    Args:
        real: features [n, d].
        fake: features [m, d]; of the longer side as many are taken as the shorter one has.

    Returns:
        P-IDS, U-IDS, each in 0..1.

    Raises:
        ValueError: no images.
        UserError: scikit-learn is not installed.
    """
    count = min(len(real), len(fake))
    if not count:
        raise ValueError(f"{len(real)} real and {len(fake)} other images: one of each is needed")
    try:
        from sklearn.svm import LinearSVC
    except ModuleNotFoundError as error:
        raise UserError(f"the package {error.name} is not installed: pip install -e '.[metrics]'") from error
    features = np.concatenate([real[:count].detach().cpu().numpy(), fake[:count].detach().cpu().numpy()]).astype(
        np.float64
    )
    truth = np.arange(2 * count) < count
    machine = LinearSVC(dual=False).fit(features, truth)
    wrong = 1 - machine.score(features, truth)
    scores = machine.decision_function(features)
    return float((scores[count:] > scores[:count]).mean()), float(wrong)


class PairedMetric:
    """P-IDS, see `discriminative_scores`.

    Args:
        extractor: whose features are measured.
        both: gives P-IDS and U-IDS.
    """

    key = "p_ids"
    better: Literal["lower", "higher"] = "higher"
    bounds = (0.0, 1.0)
    paired = True
    source = "Zhao et al. 2021"

    def __init__(self, extractor: FeatureExtractor, both: Callable[[Tensor, Tensor], tuple[float, float]]) -> None:
        self.title = f"P-IDS ({extractor.title})"
        self._both = both

    def measure(self, real: Tensor, fake: Tensor) -> float:
        """Of features [n, d] and [n, d], in pairs, in 0..1."""
        return self._both(real, fake)[0]

    def halves(self, real: Tensor, fake: Tensor, rows: Sequence[Tensor]) -> list[float]:
        """Of the pairs of each choice of rows."""
        return [discriminative_scores(real[each], fake[each])[0] for each in rows]


class UnpairedMetric:
    """U-IDS, see `discriminative_scores`.

    Args:
        extractor: whose features are measured.
        both: gives P-IDS and U-IDS.
    """

    key = "u_ids"
    better: Literal["lower", "higher"] = "higher"
    bounds = (0.0, 1.0)
    paired = True  # both sides are drawn anew: the machine must not see more of one than of the other
    source = "Zhao et al. 2021"

    def __init__(self, extractor: FeatureExtractor, both: Callable[[Tensor, Tensor], tuple[float, float]]) -> None:
        self.title = f"U-IDS ({extractor.title})"
        self._both = both

    def measure(self, real: Tensor, fake: Tensor) -> float:
        """Of features [n, d] and [m, d], in 0..1."""
        return self._both(real, fake)[1]

    def halves(self, real: Tensor, fake: Tensor, rows: Sequence[Tensor]) -> list[float]:
        """Of the images of each choice of rows on both sides."""
        return [discriminative_scores(real[each], fake[each])[1] for each in rows]
