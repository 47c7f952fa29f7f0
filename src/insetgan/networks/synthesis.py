"""The synthesis network: from one w a layer to a picture."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from insetgan.networks.layers import GAIN, Dense, block_sizes, channels_at
from insetgan.networks.remembered import Remembered
from insetgan.ops.fir import fir_kernel, upsample2d
from insetgan.ops.modulated_conv import conv2d_up, demodulation, fan_out, shifted_leaky_relu

NoiseMode = Literal["const", "random", "none"]
NOISE_MODES: tuple[NoiseMode, ...] = ("const", "random", "none")


def weight_energy(weight: Tensor) -> Tensor:
    """Sum the squares over the kernel: [out, in, k, k] -> [out, in]."""
    return weight.square().sum((2, 3))


def prepare(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """Bring a weight to the type and memory order of the activations."""
    return weight.to(dtype, memory_format=torch.channels_last)


def prepare_up(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """Bring the weight of an up-convolution to the type and memory order that it needs."""
    return prepare(weight.transpose(0, 1), dtype).transpose(0, 1)


class StyledConv(nn.Module):
    """Modulated 3 x 3 convolution, noise, bias, leaky ReLU."""

    resample_filter: Tensor
    noise_const: Tensor

    def __init__(
        self, in_channels: int, out_channels: int, *, w_dim: int, size: tuple[int, int], up: bool, clamp: float | None
    ) -> None:
        """Make a layer whose output has the (height, width) `size`, twice that of its input if `up`."""
        super().__init__()
        self.size = size
        self.up = up
        self.clamp = clamp
        self.fan_in = 9 * in_channels
        self.affine = Dense(w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.register_buffer("resample_filter", fir_kernel())
        self.register_buffer("noise_const", torch.randn(size))
        self.weight_energy = Remembered(weight_energy)
        self.prepare = Remembered(prepare_up if up else prepare)

    def styles(self, w: Tensor) -> Tensor:
        """Latents [n, w_dim] -> factors of the input channels [n, in].

        Over sqrt(fan-in), which demodulation undoes, so that sums stay within the range of short floats.
        """
        styles: Tensor = self.affine(w) / math.sqrt(self.fan_in)
        return styles

    def forward(self, x: Tensor, styles: Tensor, noise_mode: NoiseMode) -> tuple[Tensor, Tensor]:
        """Compute features up to a factor a channel that the reader shall apply.

        Args:
            x: [n, in, h, w], already multiplied by the styles.
            styles: [n, in].
            noise_mode: see `SynthesisNetwork.forward`.

        Returns:
            y [n, out, *size] and gain [n, out]; the features are y * gain.
        """
        weight = self.prepare(self.weight, x.dtype)
        y = conv2d_up(x, weight) if self.up else F.conv2d(x, weight, padding=1)
        factors = demodulation(self.weight_energy(self.weight), styles, eps=1e-8 / self.fan_in)
        y = shifted_leaky_relu(y, *self.shift(y, factors, noise_mode))
        gain = factors * GAIN
        if self.clamp is not None:
            limit = (self.clamp / gain).to(y.dtype)[:, :, None, None]
            y = y.clamp(-limit, limit)
        return y, gain

    def shift(self, y: Tensor, factors: Tensor, noise_mode: NoiseMode) -> tuple[Tensor, Tensor]:
        """Return (noise * strength + bias) / factors, split into factors [n, hw, k] and [n, k, out]."""
        n, area = len(y), self.size[0] * self.size[1]
        left = y.new_ones(1, area, 1)
        right = self.bias[None, None]
        if noise_mode != "none":
            noise = self.noise_const.expand(1, -1, -1) if noise_mode == "const" else torch.randn_like(y[:, 0])
            left = torch.cat([left.expand(len(noise), -1, -1), noise.to(y.dtype).reshape(-1, area, 1)], dim=2)
            right = torch.cat([right, self.noise_strength.expand_as(right)], dim=1)
        return left.expand(n, -1, -1), (right / factors[:, None]).to(y.dtype)


class ToRGB(nn.Module):
    """Modulated 1 x 1 convolution to a picture."""

    def __init__(self, in_channels: int, img_channels: int, *, w_dim: int, clamp: float | None) -> None:
        """Make a layer from feature maps to a picture."""
        super().__init__()
        self.clamp = clamp
        self.weight_gain = 1 / math.sqrt(in_channels)
        self.affine = Dense(w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(img_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(img_channels))

    def mixing(self, w: Tensor) -> Tensor:
        """Latents [n, w_dim] -> weights of each sample [n, img_channels, in]."""
        styles: Tensor = self.affine(w) * self.weight_gain
        return self.weight.flatten(1) * styles[:, None]

    def forward(self, mixed: Tensor, size: tuple[int, int]) -> Tensor:
        """Mixed features [n, img_channels, h * w] -> [n, img_channels, h, w] in the parameters' precision."""
        img = (mixed.to(self.bias.dtype) + self.bias[:, None]).view(*mixed.shape[:2], *size)
        return img if self.clamp is None else img.clamp(-self.clamp, self.clamp)


class SynthesisBlock(nn.Module):
    """The layers of one size: one or two convolutions and their share of the picture."""

    resample_filter: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        w_dim: int,
        size: tuple[int, int],
        img_channels: int,
        clamp: float | None,
    ) -> None:
        """Make a block; in_channels = 0 makes the first one, which starts from a learned constant."""
        super().__init__()
        self.register_buffer("resample_filter", fir_kernel())
        self.size = size
        if in_channels == 0:
            self.const = nn.Parameter(torch.randn(out_channels, *size))
        else:
            self.conv0 = StyledConv(in_channels, out_channels, w_dim=w_dim, size=size, up=True, clamp=clamp)
        self.conv1 = StyledConv(out_channels, out_channels, w_dim=w_dim, size=size, up=False, clamp=clamp)
        self.torgb = ToRGB(out_channels, img_channels, w_dim=w_dim, clamp=clamp)

    @property
    def convs(self) -> list[StyledConv]:
        """The convolutions in their order."""
        return [self.conv1] if hasattr(self, "const") else [self.conv0, self.conv1]


class SynthesisNetwork(nn.Module):
    """Blocks `b4`, `b8`, ... named by their height, each adding to the picture (the 'skip' architecture)."""

    def __init__(
        self,
        *,
        height: int,
        width: int,
        w_dim: int,
        img_channels: int,
        channel_base: int,
        channel_max: int,
        conv_clamp: float | None,
    ) -> None:
        """Make the blocks; see `Generator` for the arguments."""
        super().__init__()
        self.w_dim = w_dim
        self.heights: list[int] = []
        self.num_ws = 1
        in_channels = 0
        for size in block_sizes(height, width):
            out_channels = channels_at(size[0], channel_base=channel_base, channel_max=channel_max)
            block = SynthesisBlock(
                in_channels, out_channels, w_dim=w_dim, size=size, img_channels=img_channels, clamp=conv_clamp
            )
            self.add_module(f"b{size[0]}", block)
            self.heights.append(size[0])
            self.num_ws += len(block.convs)
            in_channels = out_channels

    @property
    def blocks(self) -> list[SynthesisBlock]:
        """The blocks from the coarsest to the finest."""
        return [getattr(self, f"b{height}") for height in self.heights]

    def forward(self, ws: Tensor, *, noise_mode: NoiseMode = "const") -> Tensor:
        """Draw pictures.

        Args:
            ws: [n, num_ws, w_dim]. A block's picture layer shares its row with the next block's first convolution.
            noise_mode: "const" adds the stored noise, "random" draws fresh noise, "none" adds none.

        Returns:
            [n, img_channels, height, width], nominally in [-1, 1], in the precision of the parameters. Under autocast
            feature maps are short floats; styles, demodulation and the sum of the pictures are not.

        Raises:
            ValueError: ws has another shape, or noise_mode another value.
        """
        if ws.shape[1:] != (self.num_ws, self.w_dim):
            raise ValueError(f"ws must have the shape [n, {self.num_ws}, {self.w_dim}], not {list(ws.shape)}")
        if noise_mode not in NOISE_MODES:
            raise ValueError(f"noise_mode={noise_mode!r}: must be one of {', '.join(NOISE_MODES)}")
        const, device = self.blocks[0].const, ws.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else const.dtype
        with torch.autocast(device, enabled=False):
            return self.draw(ws.to(const.dtype), noise_mode, dtype)

    def draw(self, ws: Tensor, noise_mode: NoiseMode, dtype: torch.dtype) -> Tensor:
        """Draw pictures with feature maps of type `dtype`; see `forward`."""
        convs = [conv for block in self.blocks for conv in block.convs]
        styles = [conv.styles(ws[:, row]) for row, conv in enumerate(convs)]
        x: Tensor | None = self.blocks[0].const * styles[0][:, :, None, None]
        img: Tensor | None = None
        row = 0
        for block in self.blocks:
            for conv in block.convs:
                assert x is not None
                y, gain = conv(x.to(dtype, memory_format=torch.channels_last), styles[row], noise_mode)
                row += 1
                scale = gain * styles[row] if row < len(convs) else None
                mixing = block.torgb.mixing(ws[:, row]) * gain[:, None] if conv is block.conv1 else None
                x, mixed = fan_out(y, scale, mixing)
            rgb = block.torgb(mixed, block.size)
            img = rgb if img is None else upsample2d(img) + rgb
        assert img is not None
        return img
