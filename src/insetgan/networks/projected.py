"""A discriminator that looks at images through the features of a frozen network (Projected GANs, Sauer et al. 2021)."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from insetgan.networks.discriminator import minibatch_std
from insetgan.networks.frozen import as_buffers
from insetgan.networks.layers import SLOPE

ENLARGEMENTS = (0.25, 0.5, 1, 2, 4)


class FeatureNetwork(Protocol):
    """What gives images features; PartsNet is one."""

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """Describe images [n, 3, h, w] in [-1, 1] at several scales, each half as high and wide as the one before."""
        ...


class CrossScaleMixing(nn.Module):
    """Random fixed projections of feature maps, mixed over channels and then from coarse to fine (section 3.2).

    They spread what each map says over all channels and scales, so that no discriminator can dwell on one feature.
    """

    def __init__(self, widths: Sequence[int], width: int) -> None:
        """Draw the projections: maps of `widths` channels, from fine to coarse, come out with `width` each."""
        super().__init__()
        self.across_channels = nn.ModuleList(nn.Conv2d(inner, width, 1) for inner in widths)
        self.across_scales = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in widths)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Mix maps [n, c, h, w], from fine to coarse."""
        mixed: list[Tensor] = []
        for index in reversed(range(len(maps))):
            x = self.across_channels[index](maps[index])
            if mixed:
                x = (x + F.interpolate(mixed[-1], x.shape[-2:], mode="nearest")) * 0.5**0.5
            mixed.append(self.across_scales[index](x))
        return mixed[::-1]


class ProjectedDiscriminator(nn.Module):
    """Small convolutional critics, one a scale, on projected features of a frozen network.

    The frozen network already knows what such images consist of, so that the critics need not find out while the
    generator waits: few images and few steps suffice. One more critic looks at the image itself, since features care
    little for colour; its places are blocks of pixels. Frozen weights are buffers: no optimiser and no DDP sees them.

    Needs no gradient penalty: the critics' convolutions have spectral norm one.
    """

    c_dim = 0  # labels are not looked at

    def __init__(
        self,
        features: nn.Module,
        *,
        height: int,
        width: int,
        img_channels: int = 3,
        scales: Sequence[int] = (1, 2, 3, 4),
        enlarge: float = 1.0,
        mixed_channels: int = 32,
        critic_channels: int = 64,
        mbstd_group_size: int = 1,
    ) -> None:
        """Make critics with random weights.

        Args:
            features: a `FeatureNetwork`; frozen and put into evaluation mode here.
            height: of the images.
            width: of the images.
            img_channels: 3, or more where something goes before the colours, such as CoModGAN's mask. The frozen network
                does not see it; the critic of the image itself does.
            scales: which of its maps are looked at, from fine to coarse, counted from 0.
            enlarge: images are made so many times as large before they are described: 2 for small images and a network
                that knows larger ones, 0.5 so that critics grow with the generator and go on seeing what they know.
            mixed_channels: channels of the projected maps.
            critic_channels: channels within a critic.
            mbstd_group_size: samples over which each critic is shown the minibatch standard deviation, so that images that
                are all alike give themselves away; with 1 every image is judged by itself.

        Raises:
            ValueError: a group below 1, no scale, scales out of order or that the network does not have, images too small
                for them or without colours.
        """
        super().__init__()
        if img_channels < 3:
            raise ValueError(f"img_channels={img_channels}: must be 3 or more")
        if not scales or any(b <= a for a, b in pairwise(scales)) or min(scales) < 0 or enlarge not in ENLARGEMENTS:
            raise ValueError(
                f"scales={list(scales)}, enlarge={enlarge}: scales must ascend from 0, enlarge be one of {ENLARGEMENTS}"
            )
        if min(height, width) * enlarge < 2 ** max(scales):
            raise ValueError(
                f"scales={list(scales)}, enlarge={enlarge}: images {height} x {width} are too small for the coarsest scale"
            )
        if mbstd_group_size < 1:
            raise ValueError(f"mbstd_group_size={mbstd_group_size}: must be 1 or more")
        self.mbstd_group_size = mbstd_group_size
        self.height, self.width, self.scales, self.enlarge = height, width, tuple(scales), enlarge
        self.img_channels = img_channels
        self.features = as_buffers(features)
        maps = self._maps(torch.zeros(1, 3, height, width))
        if maps[0].shape[2] > height:
            raise ValueError(
                f"scales={list(scales)}, enlarge={enlarge}: the finest map must be no larger than the image"
            )
        self.mixing = as_buffers(CrossScaleMixing([each.shape[1] for each in maps], mixed_channels))
        self.block = height // maps[0].shape[2]
        rows = maps[-1].shape[2]
        halvings = [(each.shape[2] // rows).bit_length() - 1 for each in maps]
        made = partial(_critic, width=critic_channels, mbstd_group_size=mbstd_group_size)
        self.critics = nn.ModuleList(made(mixed_channels, halvings=each) for each in halvings)
        self.image_critic = made(img_channels * self.block**2, halvings=halvings[0])

    def forward(self, img: Tensor, c: None = None) -> Tensor:
        """Judge images [n, img_channels, height, width], their last three channels colours in [-1, 1].

        Returns:
            [n, critics * places] logits, higher for what looks real.
        """
        wanted = (self.img_channels, self.height, self.width)
        if img.shape[1:] != wanted:
            raise ValueError(f"img must have the shape [n, {', '.join(map(str, wanted))}], not {list(img.shape)}")
        mixed = self.mixing(self._maps(img[:, -3:]))
        logits = [critic(each) for critic, each in zip(self.critics, mixed, strict=True)]
        logits.append(self.image_critic(F.pixel_unshuffle(img, self.block)))
        return torch.cat([each.flatten(1).float() for each in logits], dim=1)

    def train(self, mode: bool = True) -> "ProjectedDiscriminator":
        """Set the critics' mode; the frozen network stays in evaluation mode."""
        super().train(mode)
        self.features.eval()
        return self

    def _maps(self, img: Tensor) -> list[Tensor]:
        """The chosen feature maps, from fine to coarse."""
        if self.enlarge > 1:
            img = F.interpolate(img, scale_factor=self.enlarge, mode="bilinear", align_corners=False)
        elif self.enlarge < 1:
            img = F.avg_pool2d(img, round(1 / self.enlarge))
        img = img.contiguous(memory_format=torch.channels_last)
        described = self.features.features(img)  # type: ignore[operator]
        if max(self.scales) >= len(described):
            raise ValueError(f"scales={list(self.scales)}: the feature network has {len(described)}")
        return [described[scale] for scale in self.scales]


class MinibatchStd(nn.Module):
    """Shows a critic how much the samples of a batch differ (see `discriminator.minibatch_std`)."""

    def __init__(self, group_size: int) -> None:
        """Compare `group_size` samples with one another."""
        super().__init__()
        self.group_size = group_size

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] -> [n, c + 1, h, w], in float32: differences of nearly equal numbers."""
        return minibatch_std(x.float(), self.group_size)


def _critic(inner: int, *, width: int, halvings: int, mbstd_group_size: int) -> nn.Sequential:
    """Spectrally normalised convolutions that bring every scale to the places of the coarsest, and judge each."""
    layers: list[nn.Module] = []
    for _ in range(halvings):
        layers += [spectral_norm(nn.Conv2d(inner, width, 4, stride=2, padding=1)), nn.LeakyReLU(SLOPE)]
        inner = width
    if mbstd_group_size > 1:
        layers.append(MinibatchStd(mbstd_group_size))
        inner += 1
    layers += [spectral_norm(nn.Conv2d(inner, width, 3, padding=1)), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers, spectral_norm(nn.Conv2d(width, 1, 3, padding=1)))
