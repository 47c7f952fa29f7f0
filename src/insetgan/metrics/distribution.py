"""How far one set of images is from another: Fréchet and kernel distance of their features, by torchmetrics."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from insetgan.runtime.torchvision_guard import guard

SUBSETS, SUBSET_SIZE = 100, 1000  # of the kernel distance, as in NVIDIA's kid50k
_FIELD = "inception"  # the network for which the names FID and KID are kept
# The process that measures has everything, and the others do not answer.
_ALONE: dict[str, Any] = {"sync_on_compute": False}


def is_inception(extractor: str) -> bool:
    """Whether an extractor of this name is the field's network, in whichever way images are resized for it."""
    return extractor == _FIELD or extractor.startswith(f"{_FIELD}_")


def metric_names(extractor: str) -> tuple[str, str]:
    """Names of the Fréchet and the kernel distance by an extractor; FID and KID are those by the field's Inception."""
    if is_inception(extractor):
        suffix = extractor.removeprefix(_FIELD)  # clean-fid's ways to resize: _clean, _legacy_pytorch ...
        return f"Metrics/fid{suffix}", f"Metrics/kid{suffix}"
    return f"Metrics/frechet_{extractor}", f"Metrics/kernel_{extractor}"


class Reference:
    """Real images by their features, and how far other images are from them.

    The Fréchet distance is `|m - n|^2 + tr(S + T - 2 (S T)^(1/2))` of the means m, n and covariances
    S, T (Heusel et al. 2017). It is larger the fewer images there are, also between samples of the same: compare at equal
    numbers only.

    The kernel distance is the unbiased squared MMD with the kernel (x.y / d + 1)^3 (Binkowski et al. 2018), 0 on average
    between samples of the same, sometimes below; mean over `SUBSETS` random subsets of `SUBSET_SIZE`, or of all images
    where there are no more. Features of Inception enter as they are, those of other networks as differences from the
    mean of the real ones, in units of the root mean square difference between two real images: a kernel made for
    Inception's values would see little but the means of PartsNet's.

    Everything is computed in float64 and drawn from fixed seeds, by the calling process alone; torch's global generator is
    left as it was.

    Args:
        extractor: name of the feature network.
        features: of the real images, [n, d], n of 2 or more.

    Raises:
        ValueError: fewer than two images.
    """

    def __init__(self, extractor: str, features: Tensor) -> None:
        self.names = metric_names(extractor)
        self._frechet = Frechet(features)
        self._units = Units(extractor, features)
        self._real = self._units.of(features)

    def distances(self, features: Tensor) -> dict[str, float]:
        """Fréchet and kernel distance, by `names`, of images with features [m, d], m of 2 or more.

        Raises:
            ValueError: fewer than two images.
        """
        _refuse_few(features)
        if not bool(torch.isfinite(features).all()):
            return dict.fromkeys(self.names, float("nan"))
        found = self._frechet.distance(features), kernel_distance(self._real, self._units.of(features))
        return dict(zip(self.names, found, strict=True))


class Frechet:
    """Fréchet distance to real images with features [n, d], n of 2 or more, by torchmetrics; see `Reference`."""

    def __init__(self, features: Tensor) -> None:
        _refuse_few(features)
        guard()
        from torchmetrics.image.fid import FrechetInceptionDistance

        self._metric = FrechetInceptionDistance(_Given(features.shape[1]), reset_real_features=False, **_ALONE)
        self._metric.update(features.detach().cpu().double(), real=True)

    def distance(self, features: Tensor) -> float:
        """Of images with features [m, d], finite, m of 2 or more."""
        _refuse_few(features)
        self._metric.reset()
        self._metric.update(features.detach().cpu().double(), real=False)
        return float(self._metric.compute())


class Units:
    """Units in which features enter the kernel: as they are by Inception, else by the spread of the real; see `Reference`.

    Args:
        extractor: name of the feature network.
        features: of the real images, [n, d].
    """

    def __init__(self, extractor: str, features: Tensor) -> None:
        real = features.detach().cpu().double()
        self._centre, self._scale = torch.zeros(real.shape[1], dtype=torch.float64), 1.0
        if not is_inception(extractor):
            self._centre = real.mean(0)
            self._scale = float((2 * (real - self._centre).square().mean()).sqrt()) or 1.0

    def of(self, features: Tensor) -> Tensor:
        """Features [m, d] in these units, float64."""
        return (features.detach().cpu().double() - self._centre) / self._scale


def kernel_distance(real: Tensor, fake: Tensor) -> float:
    """Unbiased squared MMD of features [n, d] and [m, d], as `Reference` says, of the features as they are."""
    guard()
    from torchmetrics.image.kid import KernelInceptionDistance

    size = min(SUBSET_SIZE, len(real), len(fake))
    subsets = 1 if size == max(len(real), len(fake)) else SUBSETS
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.filterwarnings("ignore", ".*will save all extracted features.*")
        torch.manual_seed(0)
        metric = KernelInceptionDistance(_Given(real.shape[1]), subsets=subsets, subset_size=size, **_ALONE)
        metric.update(real, real=True)
        metric.update(fake, real=False)
        return float(metric.compute()[0])


class _Given(nn.Module):
    """Stands in the place of torchmetrics' feature network where features are known already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Any:
        return features


def _refuse_few(features: Tensor) -> None:
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"features must have the shape [2 or more, d], not {list(features.shape)}")
