"""The encoder of CoModGAN: from an image with a hole to one vector for all layers, and features for each size."""

import torch
from torch import Tensor, nn

from insetgan.networks.layers import Conv, Dense, block_dtypes, block_sizes, channels_at

DROPPED = 0.5
"""Share of the global vector that is silenced."""


class EncoderBlock(nn.Module):
    """A convolution, whose output is the skip of this size, and one that halves it; the first block reads the image."""

    def __init__(self, in_channels: int, out_channels: int, *, img_channels: int | None, clamp: float | None) -> None:
        """Make a block; `img_channels`, the mask among them, is None except in the first block."""
        super().__init__()
        self.fromrgb = Conv(img_channels, in_channels, 1, clamp=clamp) if img_channels is not None else None
        self.conv0 = Conv(in_channels, in_channels, 3, clamp=clamp)
        self.conv1 = Conv(in_channels, out_channels, 3, down=True, clamp=clamp)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[n, in, h, w] (the first block: images) -> skip [n, in, h, w] and features [n, out, h / 2, w / 2]."""
        if self.fromrgb is not None:
            x = self.fromrgb(x)
        skip: Tensor = self.conv0(x)
        return skip, self.conv1(skip)


class EncoderEpilogue(nn.Module):
    """From the coarsest features to their skip and to the global vector, which dropout makes one of many."""

    def __init__(self, channels: int, x_dim: int, *, size: tuple[int, int], clamp: float | None) -> None:
        """Make the layers for features of that size."""
        super().__init__()
        self.conv = Conv(channels, channels, 3, clamp=clamp)
        self.fc = Dense(channels * size[0] * size[1], x_dim, activation=True)

    def forward(self, x: Tensor, dropout: Tensor) -> tuple[Tensor, Tensor]:
        """[n, channels, *size] and uniform numbers [n, x_dim] -> skip [n, channels, *size], global vector [n, x_dim].

        Entries whose number is below `DROPPED` are silenced and the others enlarged, so that their mean stays.
        """
        skip: Tensor = self.conv(x)
        described: Tensor = self.fc(skip.flatten(1))
        return skip, described * (dropout >= DROPPED).to(described.dtype) / (1 - DROPPED)


class Encoder(nn.Module):
    """Blocks named by the height of their input, from the finest to the coarsest, as wide as those of the synthesis."""

    def __init__(
        self,
        *,
        height: int,
        width: int,
        x_dim: int,
        img_channels: int,
        channel_base: int,
        channel_max: int,
        conv_clamp: float | None,
    ) -> None:
        """Make the blocks; see `CoModGenerator` for the arguments."""
        super().__init__()
        self.x_dim = x_dim
        sizes = block_sizes(height, width)
        channels = [channels_at(h, channel_base=channel_base, channel_max=channel_max) for h, _ in sizes]
        self.heights = [h for h, _ in reversed(sizes[1:])]
        for i in range(len(sizes) - 1, 0, -1):
            seen = img_channels + 1 if i == len(sizes) - 1 else None
            block = EncoderBlock(channels[i], channels[i - 1], img_channels=seen, clamp=conv_clamp)
            self.add_module(f"b{sizes[i][0]}", block)
        self.coarsest = sizes[0][0]
        self.add_module(f"b{self.coarsest}", EncoderEpilogue(channels[0], x_dim, size=sizes[0], clamp=conv_clamp))

    @property
    def epilogue(self) -> EncoderEpilogue:
        """The last layers; in published networks they are called `b4`."""
        epilogue: EncoderEpilogue = getattr(self, f"b{self.coarsest}")
        return epilogue

    def forward(self, images: Tensor, known: Tensor, dropout: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Describe images with holes; what lies in the holes is not looked at.

        Args:
            images: [n, c, height, width], nominally in [-1, 1].
            known: [n, 1, height, width], 1 = known, 0 = hole.
            dropout: [n, x_dim], uniform in [0, 1); decides what of the global vector is silenced, at inference too.

        Returns:
            The global vector [n, x_dim] and the skips, from the coarsest to the finest.
        """
        device, full = images.device.type, self.epilogue.fc.weight.dtype
        dtypes = block_dtypes(self.heights, device=device, full=full)
        visible = torch.where(known > 0, images, torch.zeros_like(images))
        x = torch.cat([known - 0.5, visible], dim=1)
        skips: list[Tensor] = []
        with torch.autocast(device, enabled=False):
            for height in self.heights:
                x = x.to(dtypes[height], memory_format=torch.channels_last)
                skip, x = self.get_submodule(f"b{height}")(x)
                skips.append(skip)
            skip, described = self.epilogue(x.to(full), dropout)
        return described, [skip, *skips[::-1]]
