"""Layers shared by generator and discriminator: equalised learning rate, leaky ReLU, published parameter names."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from insetgan.ops.convolution import correlate
from insetgan.ops.fir import blur2d, downsample2d, fir_kernel

SLOPE = 0.2
GAIN = math.sqrt(2)
FLOAT16_BLOCKS = 4
FLOAT16_CLAMP = 256.0
LARGEST_FLOAT16 = 6e4  # a little less, so that sums of a large and a small number stay finite


def activate(x: Tensor, *, gain: float = GAIN, clamp: float | None = None) -> Tensor:
    """Apply leaky ReLU (slope 0.2) and `gain`, then limit to [-clamp, clamp]. May overwrite `x`."""
    x = F.leaky_relu(x, SLOPE, inplace=True) * gain
    return x if clamp is None else x.clamp(-clamp, clamp)


def normalize_2nd_moment(x: Tensor) -> Tensor:
    """Scale the rows of [n, features] to a mean square of one."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


def channels_at(height: int, *, channel_base: int, channel_max: int) -> int:
    """Return the number of feature maps of the block of that height."""
    return min(channel_base // height, channel_max)


def block_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """List (height, width) of the blocks from the coarsest to the finest, each twice as high and wide as the one before.

    Sizes of published networks keep their blocks: where the height is 4 times a power of two and the width can be halved as
    often, the coarsest block is 4 high. All other sizes are halved while both sides stay whole numbers of 3 or more.

    Raises:
        ValueError: height and width are not two numbers from 3 up times one power of two.
    """
    halvings = max(height, 1).bit_length() - 3
    if halvings < 1 or height != 4 << halvings or width < 1 or width % (1 << halvings):
        halvings = _common_halvings(height, width)
    if halvings < 1:
        raise ValueError(
            f"height={height}, width={width}: must be two whole numbers from 3 up, both times the same power of two "
            "(2, 4, 8, ...), "
            f"such as {' x '.join(map(str, _nearest_size(height, width)))}"
        )
    return [(height >> halving, width >> halving) for halving in range(halvings, -1, -1)]


def _common_halvings(height: int, width: int) -> int:
    """How often both sides can be halved and stay whole numbers of 3 or more."""
    halvings = 0
    while min(height, width) >= 3 << (halvings + 1) and (height | width) % (2 << halvings) == 0:
        halvings += 1
    return halvings


def _nearest_size(height: int, width: int) -> tuple[int, int]:
    """A size near the given one that `block_sizes` takes and that leaves the coarsest block small."""
    unit = 1 << max(1, (max(min(height, width), 1) // 3).bit_length() - 1)
    near_height, near_width = (max(3, round(side / unit)) * unit for side in (height, width))
    return near_height, near_width


def block_dtypes(heights: Sequence[int], *, device: str, full: torch.dtype) -> dict[int, torch.dtype]:
    """Choose the type of the feature maps of each block: `full`, or a shorter one under autocast.

    bfloat16 has the range of float32 and serves all blocks. float16 serves the highest resolutions, 8 high or more, and
    leaves the others to `full` (Karras et al. 2020, "Training generative adversarial networks with limited data",
    appendix C.1).

    Args:
        heights: of the blocks.
        device: type of the device, whose autocast counts.
        full: type of the parameters.
    """
    if not torch.is_autocast_enabled(device):
        return dict.fromkeys(heights, full)
    short = torch.get_autocast_dtype(device)
    if short != torch.float16:
        return dict.fromkeys(heights, short)
    fine = [height for height in sorted(heights) if height >= 8][-FLOAT16_BLOCKS:]
    return {height: short if height in fine else full for height in heights}


def limit(clamp: float | None, dtype: torch.dtype) -> float | None:
    """Return the bound of features of that type: `clamp`, and 256 for float16 if there is none."""
    return FLOAT16_CLAMP if clamp is None and dtype == torch.float16 else clamp


def peak(x: Tensor, dims: int | tuple[int, ...]) -> Tensor:
    """Return the largest absolute value over `dims`, which stay as ones: a constant for gradients, never zero."""
    return x.detach().abs().amax(dims, keepdim=True).clamp_min(1e-30)


def refuse_fractions(**sizes: object) -> None:
    """Refuse sizes that are not whole numbers of 1 or more, by name.

    Raises:
        ValueError: one is not.
    """
    for name, value in sizes.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name}={value}: must be 1 or more, and whole")


def refuse_clamp(conv_clamp: object) -> None:
    """Refuse an invalid limit of features.

    Raises:
        ValueError: it is neither a number above 0 nor None.
    """
    if conv_clamp is not None and not (isinstance(conv_clamp, (int, float)) and conv_clamp > 0):
        raise ValueError(f"conv_clamp={conv_clamp}: must be a number above 0, or null")


class Dense(nn.Module):
    """Fully connected layer with equalised learning rate; computes in float32 even under autocast.

    Stored weights are N(0, 1) / lr_multiplier and are scaled by lr_multiplier / sqrt(in) when used.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        activation: bool = False,
        lr_multiplier: float = 1.0,
        bias_init: float = 0.0,
    ) -> None:
        """Make a layer; `activation` adds leaky ReLU with gain sqrt(2)."""
        super().__init__()
        self.activation = activation
        self.weight_gain = lr_multiplier / math.sqrt(in_features)
        self.bias_gain = lr_multiplier
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((out_features,), float(bias_init)))

    def forward(self, x: Tensor) -> Tensor:
        """[n, in] -> [n, out]."""
        with torch.autocast(x.device.type, enabled=False):
            x = torch.addmm(
                self.bias, x.to(self.weight.dtype), self.weight.t(), beta=self.bias_gain, alpha=self.weight_gain
            )
            return activate(x) if self.activation else x


class Conv(nn.Module):
    """Convolution with equalised learning rate, bias, activation and optional halving of the size (discriminator)."""

    resample_filter: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        bias: bool = True,
        activation: bool = True,
        down: bool = False,
        clamp: float | None = None,
    ) -> None:
        """Make a layer; `down` filters, then halves; `clamp` limits the activations (times `gain` of the call)."""
        super().__init__()
        self.activation = activation
        self.down = down
        self.clamp = clamp
        self.weight_gain = 1 / math.sqrt(in_channels * kernel_size**2)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.register_buffer("resample_filter", fir_kernel())

    def forward(self, x: Tensor, *, gain: float = 1.0) -> Tensor:
        """[n, in, h, w] -> [n, out, h, w] or, with `down`, [n, out, h / 2, w / 2], times `gain`.

        Computes in the type of x; call outside autocast.
        """
        kernel_size = self.weight.shape[-1]
        padding, stride = kernel_size // 2, 1
        if self.down and kernel_size == 1:
            x = downsample2d(x)
        elif self.down:
            x, padding, stride = blur2d(x, padding=2), 0, 2
        # Leaky ReLU commutes with positive factors, so its gain can act before it, on the small tensors.
        total = gain * GAIN if self.activation else gain
        weight = (self.weight * (self.weight_gain * total)).to(x.dtype, memory_format=torch.channels_last)
        bias = None if self.bias is None else (self.bias * total).to(x.dtype)
        slope = SLOPE if self.activation else 1.0
        x = correlate(x, weight, bias, stride=stride, padding=padding, slope=slope)
        clamp = limit(self.clamp, x.dtype)
        return x if clamp is None else x.clamp(-clamp * gain, clamp * gain)
