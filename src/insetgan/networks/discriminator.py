"""The StyleGAN2 discriminator (the 'resnet' architecture)."""

import math

import torch
from torch import Tensor, nn

from insetgan.networks.described import DescribedNetwork
from insetgan.networks.frozen import as_buffers
from insetgan.networks.layers import (
    LARGEST_FLOAT16,
    Conv,
    Dense,
    block_dtypes,
    block_sizes,
    channels_at,
)
from insetgan.networks.mapping import LabelMapping
from insetgan.ops.fir import fir_kernel


def minibatch_std(x: Tensor, group_size: int) -> Tensor:
    """Append the mean standard deviation within groups of samples as one more channel.

    Args:
        x: [n, c, h, w], n a multiple of min(group_size, n). A group takes samples n / group_size apart.
        group_size: samples a group.

    Returns:
        [n, c + 1, h, w].

    Raises:
        ValueError: n is no multiple of the group size.
    """
    n, c, h, w = x.shape
    group = min(group_size, n)
    if n % group:
        raise ValueError(f"a batch of {n} cannot be split into groups of {group} samples")
    groups = x.reshape(group, n // group, c, h, w)
    std = (groups.var(0, correction=0) + 1e-8).sqrt().mean((1, 2, 3))
    return torch.cat([x, std.repeat(group)[:, None, None, None].expand(n, 1, h, w)], dim=1)


class DiscriminatorBlock(nn.Module):
    """Two convolutions that halve the size beside a shortcut; the first block also reads the image."""

    resample_filter: Tensor

    def __init__(self, in_channels: int, out_channels: int, *, img_channels: int | None, clamp: float | None) -> None:
        """Make a block; `img_channels` is None except in the first block."""
        super().__init__()
        self.register_buffer("resample_filter", fir_kernel())
        self.fromrgb = Conv(img_channels, in_channels, 1, clamp=clamp) if img_channels is not None else None
        self.conv0 = Conv(in_channels, in_channels, 3, clamp=clamp)
        self.conv1 = Conv(in_channels, out_channels, 3, down=True, clamp=clamp)
        self.skip = Conv(in_channels, out_channels, 1, bias=False, activation=False, down=True)

    def forward(self, x: Tensor) -> Tensor:
        """[n, in, h, w] (the first block: images) -> [n, out, h / 2, w / 2]."""
        if self.fromrgb is not None:
            x = self.fromrgb(x)
        gain = math.sqrt(0.5)
        shortcut: Tensor = self.skip(x, gain=gain)
        if shortcut.dtype == torch.float16:  # the one way through a block that nothing limits
            shortcut = shortcut.clamp(-LARGEST_FLOAT16, LARGEST_FLOAT16)
        main: Tensor = self.conv1(self.conv0(x), gain=gain)
        return shortcut + main


class DiscriminatorEpilogue(nn.Module):
    """From the coarsest features to one number an image, in float32 even under autocast."""

    def __init__(
        self, channels: int, *, size: tuple[int, int], cmap_dim: int, mbstd_group_size: int, clamp: float | None
    ) -> None:
        """Make the layers; `cmap_dim` is the size of the label's vector, 0 without labels."""
        super().__init__()
        self.cmap_dim = cmap_dim
        self.mbstd_group_size = mbstd_group_size
        self.conv = Conv(channels + 1, channels, 3, clamp=clamp)
        self.fc = Dense(channels * size[0] * size[1], channels, activation=True)
        self.out = Dense(channels, max(cmap_dim, 1))

    def forward(self, x: Tensor, cmap: Tensor | None) -> Tensor:
        """[n, channels, *size] and the label's vector [n, cmap_dim] -> logits [n, 1]."""
        x = minibatch_std(x.to(self.fc.weight.dtype), self.mbstd_group_size)
        scores: Tensor = self.out(self.fc(self.conv(x).flatten(1)))
        if cmap is None:
            return scores
        return (scores * cmap).sum(1, keepdim=True) / math.sqrt(self.cmap_dim)


class Discriminator(DescribedNetwork):
    """StyleGAN2's critic with free height and width; parameters carry the published names and shapes."""

    mbstd_group_size: int

    def __init__(
        self,
        *,
        height: int,
        width: int,
        c_dim: int = 0,
        img_channels: int = 3,
        channel_base: int = 32768,
        channel_max: int = 512,
        mbstd_group_size: int = 4,
        conv_clamp: float | None = None,
    ) -> None:
        """Make a randomly initialised network.

        Args:
            height: of the images; together with the width one of the sizes that `layers.block_sizes` takes.
            width: of the images.
            c_dim: number of label values; 0 for an unconditional network.
            img_channels: colours of the images.
            channel_base: a block of height r has min(channel_base // r, channel_max) feature maps.
            channel_max: see channel_base.
            mbstd_group_size: samples over which the minibatch standard deviation is taken.
            conv_clamp: limit of the absolute value of features; None for none.

        Raises:
            ValueError: no network has this height and width, or the channels or groups are below 1.
        """
        super().__init__(
            height=height,
            width=width,
            c_dim=c_dim,
            img_channels=img_channels,
            channel_base=channel_base,
            channel_max=channel_max,
            mbstd_group_size=mbstd_group_size,
            conv_clamp=conv_clamp,
        )
        sizes = block_sizes(height, width)
        channels = [channels_at(h, channel_base=channel_base, channel_max=channel_max) for h, _ in sizes]
        self.heights = [h for h, _ in reversed(sizes[1:])]
        for i in range(len(sizes) - 1, 0, -1):
            first = i == len(sizes) - 1
            block = DiscriminatorBlock(
                channels[i], channels[i - 1], img_channels=img_channels if first else None, clamp=conv_clamp
            )
            self.add_module(f"b{sizes[i][0]}", block)
        cmap_dim = channels[0] if c_dim > 0 else 0
        self.mapping = LabelMapping(c_dim=c_dim, w_dim=cmap_dim) if c_dim > 0 else None
        epilogue = DiscriminatorEpilogue(
            channels[0], size=sizes[0], cmap_dim=cmap_dim, mbstd_group_size=mbstd_group_size, clamp=conv_clamp
        )
        self.coarsest = sizes[0][0]
        self.add_module(f"b{self.coarsest}", epilogue)

    @property
    def epilogue(self) -> DiscriminatorEpilogue:
        """The last layers; in published networks they are called `b4`."""
        epilogue: DiscriminatorEpilogue = getattr(self, f"b{self.coarsest}")
        return epilogue

    def freeze(self, layers: int) -> None:
        """Freeze the layers nearest to the image, which know most of what all images have in common (Mo et al. 2020).

        Their weights become buffers under the same names: no optimiser sees them and the state dict stays. For good;
        freeze before optimisers are made.

        Args:
            layers: how many, counted as StyleGAN2-ADA does: fromrgb, then conv0, conv1 and skip of each block from the
                finest.

        Raises:
            ValueError: more layers than the blocks have, or fewer than none.
        """
        blocks = [self.get_submodule(f"b{height}") for height in self.heights]
        names = [(block, name) for block in blocks for name in ("fromrgb", "conv0", "conv1", "skip")]
        found = [layer for block, name in names if (layer := getattr(block, name)) is not None]
        if not 0 <= layers <= len(found):
            raise ValueError(f"freeze_d={layers}: must be from 0 to {len(found)}")
        for layer in found[:layers]:
            as_buffers(layer)

    def forward(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        """Judge images.

        Args:
            img: [n, img_channels, height, width], nominally in [-1, 1]; n a multiple of min(n, mbstd_group_size).
            c: [n, c_dim], one-hot; None for an unconditional network.

        Returns:
            Logits [n, 1], higher for what looks real.

        Raises:
            ValueError: img has another shape, or c is missing.
        """
        if img.shape[1:] != (self.img_channels, self.height, self.width):
            wanted = [self.img_channels, self.height, self.width]
            raise ValueError(f"img must have the shape [n, {', '.join(map(str, wanted))}], not {list(img.shape)}")
        device, full = img.device.type, self.epilogue.fc.weight.dtype
        dtypes = block_dtypes(self.heights, device=device, full=full)
        x = img
        with torch.autocast(device, enabled=False):
            for height in self.heights:
                x = x.to(dtypes[height], memory_format=torch.channels_last)
                x = self.get_submodule(f"b{height}")(x)
            logits: Tensor = self.epilogue(x, None if self.mapping is None else self.mapping(c))
        return logits
