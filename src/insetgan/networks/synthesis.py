"""The synthesis network: from one w a layer to an image."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from insetgan.networks.layers import GAIN, Dense, block_dtypes, block_sizes, channels_at, limit, peak
from insetgan.networks.remembered import Remembered
from insetgan.ops.convolution import correlate
from insetgan.ops.fir import fir_kernel, upsample2d
from insetgan.ops.modulated_conv import conv2d_up, demodulation, fan_out, shifted_leaky_relu

NoiseMode = Literal["const", "random", "none"]
NOISE_MODES: tuple[NoiseMode, ...] = ("const", "random", "none")


def prepare(weight: Tensor, dtype: torch.dtype, up: bool) -> tuple[Tensor, Tensor]:
    """Make what a layer needs of its weight [out, in, 3, 3].

    For float16 each output channel is divided by sqrt(fan-in) and by its largest weight, so that no sum leaves the range;
    demodulation undoes it.

    Returns:
        The weight in the type and memory order of the activations, and the sum of its squares over the kernel [out, in].
    """
    if dtype == torch.float16:
        weight = weight / (peak(weight, (1, 2, 3)) * math.sqrt(weight[0].numel()))
    if torch.compiler.is_exporting():  # an exporter cannot read gradients of our own
        return _prepared(weight, dtype, up)
    working, energy = _Prepared.apply(weight, dtype, up)  # type: ignore[no-untyped-call]
    return working, energy


def _prepared(weight: Tensor, dtype: torch.dtype, up: bool) -> tuple[Tensor, Tensor]:
    ordered = weight.transpose(0, 1) if up else weight
    working = ordered.to(dtype, memory_format=torch.channels_last, copy=True)
    return working.transpose(0, 1) if up else working, weight.flatten(2).square().sum(2)


class _Prepared(torch.autograd.Function):
    """Copy of a weight and sum of its squares; one pass adds the two gradients in the memory order of the weight."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, dtype: torch.dtype, up: bool) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(weight)
        return _prepared(weight, dtype, up)

    @staticmethod
    def backward(ctx: Any, working_grad: Tensor, energy_grad: Tensor) -> tuple[Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        grad = working_grad.to(weight.dtype, memory_format=torch.contiguous_format)
        return torch.addcmul(grad, weight, energy_grad[:, :, None, None], value=2), None, None


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
        self.remembered = Remembered(prepare)

    def styles(self, w: Tensor, dtype: torch.dtype) -> Tensor:
        """Latents [n, w_dim] -> factors of the input channels [n, in], for features of type `dtype`.

        Over sqrt(fan-in), so that the sums of a convolution are as large as its inputs; for float16, whose weights see to
        that, over the largest factor of the sample instead. Demodulation undoes either.
        """
        styles: Tensor = self.affine(w)
        return styles / (peak(styles, 1) if dtype == torch.float16 else math.sqrt(self.fan_in))

    def forward(self, x: Tensor, styles: Tensor, noise_mode: NoiseMode) -> tuple[Tensor, Tensor]:
        """Compute features up to a factor a channel that the reader shall apply.

        Args:
            x: [n, in, h, w], already multiplied by the styles.
            styles: [n, in].
            noise_mode: see `SynthesisNetwork.forward`.

        Returns:
            y [n, out, *size] and gain [n, out]; the features are y * gain.
        """
        # A compiler cannot see what is remembered.
        function = prepare if torch.compiler.is_compiling() else self.remembered
        weight, energy = function(self.weight, x.dtype, self.up)
        y = conv2d_up(x, weight) if self.up else correlate(x, weight, padding=1)
        factors = demodulation(energy, styles, eps=1e-8 if x.dtype == torch.float16 else 1e-8 / self.fan_in)
        y = shifted_leaky_relu(y, *self.shift(y, factors, noise_mode))
        gain = factors * GAIN
        clamp = limit(self.clamp, y.dtype)
        if clamp is not None:
            bound = (clamp / gain).to(y.dtype)[:, :, None, None]
            y = y.clamp(-bound, bound)
        return y, gain

    def shift(self, y: Tensor, factors: Tensor, noise_mode: NoiseMode) -> tuple[Tensor, Tensor]:
        """Return (noise * strength + bias) / factors, split into factors [n, hw, k] and [n, k, out]."""
        n, area = y.shape[0], self.size[0] * self.size[1]
        left = y.new_ones(1, area, 1)
        right = self.bias[None, None]
        if noise_mode != "none":
            noise = self.noise_const.expand(1, -1, -1) if noise_mode == "const" else torch.randn_like(y[:, 0])
            left = torch.cat([left.expand(len(noise), -1, -1), noise.to(y.dtype).reshape(-1, area, 1)], dim=2)
            right = torch.cat([right, self.noise_strength.expand_as(right)], dim=1)
        return left.expand(n, -1, -1), (right / factors[:, None]).to(y.dtype)


class ToRGB(nn.Module):
    """Modulated 1 x 1 convolution to an image."""

    def __init__(self, in_channels: int, img_channels: int, *, w_dim: int, clamp: float | None) -> None:
        """Make a layer from feature maps to an image."""
        super().__init__()
        self.clamp = clamp
        self.weight_gain = 1 / math.sqrt(in_channels)
        self.affine = Dense(w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(img_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(img_channels))

    def mixing(self, w: Tensor, gain: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        """Make the weights of each sample.

        Args:
            w: [n, w_dim].
            gain: [n, in], factors that the features lack.
            dtype: of the features.

        Returns:
            Weights [n, img_channels, in], and for float16 the factors [n, 1, 1] that they had to give up for its range.
        """
        styles: Tensor = self.affine(w) * self.weight_gain
        weights = self.weight.flatten(1) * (styles * gain)[:, None]
        if dtype != torch.float16:
            return weights, None
        factor = peak(weights, (1, 2)) * math.sqrt(weights.shape[2])
        return weights / factor, factor

    def forward(self, mixed: Tensor, factor: Tensor | None, size: tuple[int, int]) -> Tensor:
        """Mixed features [n, img_channels, h * w] -> [n, img_channels, h, w] in the parameters' precision."""
        clamp = limit(self.clamp, mixed.dtype)
        img = mixed.to(self.bias.dtype) * (1 if factor is None else factor) + self.bias[:, None]
        img = img.view(*mixed.shape[:2], *size)
        return img if clamp is None else img.clamp(-clamp, clamp)


class SynthesisBlock(nn.Module):
    """The layers of one size: one or two convolutions and their share of the image."""

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
    """Blocks named by their height, each adding to the image (the 'skip' architecture); as published `b4`, `b8`, ..."""

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
        """Draw images.

        Args:
            ws: [n, num_ws, w_dim]. A block's image layer shares its row with the next block's first convolution.
            noise_mode: "const" adds the stored noise, "random" draws fresh noise, "none" adds none.

        Returns:
            [n, img_channels, height, width], nominally in [-1, 1], in the precision of the parameters. Under autocast
            feature maps are short floats (in float16 only those of the four highest resolutions); styles, demodulation
            and the sum of the images are not.

        Raises:
            ValueError: ws has another shape, or noise_mode another value.
        """
        if ws.shape[1:] != (self.num_ws, self.w_dim):
            raise ValueError(f"ws must have the shape [n, {self.num_ws}, {self.w_dim}], not {list(ws.shape)}")
        if noise_mode not in NOISE_MODES:
            raise ValueError(f"noise_mode={noise_mode!r}: must be one of {', '.join(NOISE_MODES)}")
        device, full = ws.device.type, self.blocks[0].const.dtype
        dtypes = list(block_dtypes(self.heights, device=device, full=full).values())
        with torch.autocast(device, enabled=False):
            return self.draw(ws.to(full), noise_mode, dtypes)

    def draw(
        self,
        ws: Tensor,
        noise_mode: NoiseMode,
        dtypes: Sequence[torch.dtype],
        *,
        start: Tensor | None = None,
        skips: Sequence[Tensor | None] | None = None,
    ) -> Tensor:
        """Draw images with feature maps of the given types; see `forward`.

        Args:
            ws: [n, num_ws, w_dim].
            noise_mode: see `forward`.
            dtypes: one for each block.
            start: the coarsest features [n, c, h, w]; None takes the learned constant.
            skips: for each block, features that are added behind its first convolution of two; None adds none.
        """
        skips = [None] * len(dtypes) if skips is None else skips
        layers = [
            (block, conv, skip, dtype)
            for block, skip, dtype in zip(self.blocks, skips, dtypes, strict=True)
            for conv in block.convs
        ]
        styles = [conv.styles(ws[:, row], dtype) for row, (_, conv, _, dtype) in enumerate(layers)]
        x: Tensor | None = (self.blocks[0].const if start is None else start) * styles[0][:, :, None, None]
        img: Tensor | None = None
        for row, (block, conv, skip, dtype) in enumerate(layers):
            assert x is not None
            y, gain = conv(x.to(dtype, memory_format=torch.channels_last), styles[row], noise_mode)
            scale = gain * styles[row + 1] if row + 1 < len(layers) else None
            if conv is not block.conv1:
                x, _ = fan_out(y, scale, None)
                if skip is not None:
                    assert x is not None
                    x = torch.addcmul(x, skip.to(x.dtype), styles[row + 1][:, :, None, None].to(x.dtype))
                continue
            mixing, factor = block.torgb.mixing(ws[:, row + 1], gain, dtype)
            x, mixed = fan_out(y, scale, mixing)
            rgb = block.torgb(mixed, factor, block.size)
            img = rgb if img is None else upsample2d(img) + rgb
        assert img is not None
        return img
