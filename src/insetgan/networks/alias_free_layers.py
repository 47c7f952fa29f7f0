"""The layers of StyleGAN3: Fourier features that move with w, and filtered convolutions (Karras et al. 2021)."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from insetgan.networks.alias_free_signals import Signal
from insetgan.networks.layers import GAIN, Dense
from insetgan.ops.filtered import Padding, filtered_leaky_relu
from insetgan.ops.kaiser import lowpass, radial_lowpass
from insetgan.ops.modulated_conv import SLOPE, demodulation

TAPS = 6
"""Taps of a filter a sample of the lower rate."""
HEADROOM = 2
"""How much higher the sampling rate is at the nonlinearity than the higher one of its sides."""


class FourierInput(nn.Module):
    """Sine waves of fixed frequencies and phases, rotated and moved as w says, and mixed (section 3.2, appendix F)."""

    freqs: Tensor
    phases: Tensor
    transform: Tensor

    def __init__(self, *, w_dim: int, signal: Signal) -> None:
        """Draw frequencies uniformly within the band of the signal.

        Args:
            w_dim: size of w.
            signal: of the features; its channels are the number of waves as well.
        """
        super().__init__()
        self.signal = signal
        random = np.random.RandomState(int(torch.randint(2**31, ())))
        angle = 2 * np.pi * random.rand(signal.channels)
        radius = signal.cutoff * np.sqrt(random.rand(signal.channels))
        waves = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).astype(np.float32)
        self.weight = nn.Parameter(torch.randn(signal.channels, signal.channels))
        self.affine = Dense(w_dim, 4)
        nn.init.zeros_(self.affine.weight)
        self.affine.bias = nn.Parameter(torch.from_numpy(np.eye(1, 4, dtype=np.float32)[0]))
        self.register_buffer("transform", torch.from_numpy(np.eye(3, dtype=np.float32)))
        self.register_buffer("freqs", torch.from_numpy(waves))
        self.register_buffer("phases", torch.from_numpy((random.rand(signal.channels) - 0.5).astype(np.float32)))

    def forward(self, w: Tensor) -> Tensor:
        """[n, w_dim] -> [n, channels, size, size]."""
        place = self._place(w)
        freqs = self.freqs @ place[:, :2, :2]
        phases = self.phases + (self.freqs @ place[:, :2, 2:])[..., 0]
        # A transform can push a wave out of the band: it fades away before the sampling rate can no longer hold it.
        beyond = (freqs.norm(dim=2) - self.signal.cutoff) / (self.signal.rate / 2 - self.signal.cutoff)
        size = self.signal.size
        line = (torch.arange(size, device=w.device, dtype=freqs.dtype) - (size - 1) / 2) / self.signal.rate
        across, along = freqs[:, :, 0, None] * line, freqs[:, :, 1, None] * line
        waves = torch.sin(2 * math.pi * (along[:, :, :, None] + across[:, :, None] + phases[:, :, None, None]))
        waves = waves * (1 - beyond).clamp(0, 1)[:, :, None, None]
        return torch.einsum("nchw,oc->nohw", waves, self.weight / math.sqrt(self.signal.channels))

    def _place(self, w: Tensor) -> Tensor:
        """From places of the image to places of the waves, [n, 3, 3]: the user's transform, then a move, then a rotation."""
        move = self.affine(w)
        move = move / move[:, :2].norm(dim=1, keepdim=True)
        cos, sin, right, down = move.unbind(1)
        no, one = torch.zeros_like(cos), torch.ones_like(cos)
        rows = [[cos, -sin, -cos * right + sin * down], [sin, cos, -sin * right - cos * down], [no, no, one]]
        return torch.stack([torch.stack(row, 1) for row in rows], 1) @ self.transform


class AliasFreeLayer(nn.Module):
    """Modulated convolution and filtered leaky ReLU; or, for colours, the convolution alone."""

    up_filter: Tensor
    down_filter: Tensor
    magnitude_ema: Tensor

    def __init__(
        self,
        taken: Signal,
        given: Signal,
        *,
        w_dim: int,
        kernel: int,
        radial: bool,
        colours: bool,
        clamp: float | None,
    ) -> None:
        """Make a layer with its filters.

        Args:
            taken: what it takes.
            given: what it gives.
            w_dim: size of w.
            kernel: of the convolution, 3 (T) or 1 (R).
            radial: lower the sampling rate by a filter that is the same in all directions.
            colours: whether it is the last one, a 1 x 1 convolution without filters.
            clamp: limit of the absolute value of features; None for none.
        """
        super().__init__()
        self.colours, self.clamp = colours, clamp
        kernel = 1 if colours else kernel
        self.affine = Dense(w_dim, taken.channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(given.channels, taken.channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(given.channels))
        self.register_buffer("magnitude_ema", torch.ones(()))
        self.up = self.down = 1
        self.padding: Padding = (0, 0)
        if colours:
            return
        raised = max(taken.rate, given.rate) * HEADROOM
        self.up, self.down = raised // taken.rate, raised // given.rate
        up_filter = lowpass(TAPS * self.up, cutoff=taken.cutoff, width=2 * taken.half_width, rate=raised)
        design = radial_lowpass if radial else lowpass
        down_filter = design(TAPS * self.down, cutoff=given.cutoff, width=2 * given.half_width, rate=raised)
        self.register_buffer("up_filter", up_filter)
        self.register_buffer("down_filter", down_filter)
        # What the filters need so that the given size comes out, shared by the two ends so that the middle stays the middle.
        missing = (given.size - 1) * self.down + 1 - (taken.size + kernel - 1) * self.up
        missing += len(up_filter) + len(down_filter) - 2
        before = (missing + self.up) // 2
        self.padding = (before, missing - before)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[n, in, size, size], w [n, w_dim] -> [n, out, size, size]."""
        styles = self.affine(w)
        kernel = self.weight.shape[-1]
        if self.colours:
            styles = styles / math.sqrt(self.weight[0].numel())
        else:  # the length of a style is lost in the demodulation; this keeps its numbers small
            styles = styles * styles.square().mean(1, keepdim=True).rsqrt()
        x = x * (styles * self.magnitude_ema.rsqrt())[:, :, None, None]
        x = F.conv2d(x, self.weight, padding=kernel - 1)
        if self.colours:
            x = x + self.bias[:, None, None]
            return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)
        factors = demodulation(self.weight.square().sum((2, 3)), styles)
        x = torch.addcmul(self.bias[:, None, None], x, factors[:, :, None, None])
        return filtered_leaky_relu(
            x,
            self.up_filter,
            self.down_filter,
            up=self.up,
            down=self.down,
            padding=self.padding,
            slope=SLOPE,
            gain=GAIN,
            clamp=self.clamp,
        )
