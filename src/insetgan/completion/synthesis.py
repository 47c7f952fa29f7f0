"""The synthesis of CoModGAN: StyleGAN2's, co-modulated by what an encoder saw."""

from collections.abc import Sequence

import torch
from torch import Tensor

from insetgan.networks.layers import Dense, block_dtypes
from insetgan.networks.synthesis import NOISE_MODES, NoiseMode, SynthesisNetwork
from insetgan.ops.fir import upsample2d
from insetgan.ops.modulated_conv import fan_out


class CoModSynthesis(SynthesisNetwork):
    """Styles of every layer come from w beside the encoder's global vector x (Zhao et al. 2021, equation 4).

    There is no learned constant: the coarsest features are a dense layer of x and the encoder's skip of that size. At every
    other size the skip is added behind the convolution that doubles the size, before the second one.
    """

    def __init__(
        self,
        *,
        height: int,
        width: int,
        w_dim: int,
        x_dim: int,
        img_channels: int,
        channel_base: int,
        channel_max: int,
        conv_clamp: float | None,
    ) -> None:
        """Make the blocks; see `CoModGenerator` for the arguments."""
        super().__init__(
            height=height,
            width=width,
            w_dim=w_dim + x_dim,
            img_channels=img_channels,
            channel_base=channel_base,
            channel_max=channel_max,
            conv_clamp=conv_clamp,
        )
        self.x_dim = x_dim
        coarsest = self.blocks[0]
        self.coarsest = tuple(coarsest.const.shape)
        coarsest.const = None  # type: ignore[assignment]  # stays as a name, by which a block knows that it is the first
        self.start = Dense(x_dim, coarsest.conv1.weight.shape[1] * coarsest.size[0] * coarsest.size[1])

    def complete(
        self, ws: Tensor, described: Tensor, skips: Sequence[Tensor], *, noise_mode: NoiseMode = "const"
    ) -> Tensor:
        """Draw pictures.

        Args:
            ws: [n, num_ws, w_dim], as for `SynthesisNetwork.forward`.
            described: [n, x_dim], the encoder's global vector.
            skips: the encoder's features, from the coarsest to the finest.
            noise_mode: as for `SynthesisNetwork.forward`.

        Returns:
            [n, img_channels, height, width], nominally in [-1, 1]: the whole picture, nothing of it copied from the input.

        Raises:
            ValueError: ws has another shape, or noise_mode another value.
        """
        if ws.shape[1:] != (self.num_ws, self.w_dim - self.x_dim):
            wanted = f"[n, {self.num_ws}, {self.w_dim - self.x_dim}]"
            raise ValueError(f"ws must have the shape {wanted}, not {list(ws.shape)}")
        if noise_mode not in NOISE_MODES:
            raise ValueError(f"noise_mode={noise_mode!r}: must be one of {', '.join(NOISE_MODES)}")
        device, full = ws.device.type, self.start.weight.dtype
        dtypes = list(block_dtypes(self.heights, device=device, full=full).values())
        both = torch.cat([ws, described[:, None].expand(-1, self.num_ws, -1).to(ws.dtype)], dim=2)
        with torch.autocast(device, enabled=False):
            return self._draw(both.to(full), described.to(full), skips, noise_mode, dtypes)

    def forward(self, ws: Tensor, *, noise_mode: NoiseMode = "const") -> Tensor:
        """Refuse to draw without a picture to complete: see `complete`."""
        raise TypeError("a CoModGAN's synthesis needs what the encoder saw: call complete")

    def _draw(
        self,
        ws: Tensor,
        described: Tensor,
        skips: Sequence[Tensor],
        noise_mode: NoiseMode,
        dtypes: Sequence[torch.dtype],
    ) -> Tensor:
        layers = [
            (block, conv, skip, dtype)
            for block, skip, dtype in zip(self.blocks, skips, dtypes, strict=True)
            for conv in block.convs
        ]
        styles = [conv.styles(ws[:, row], dtype) for row, (_, conv, _, dtype) in enumerate(layers)]
        start = self.start(described).view(-1, *self.coarsest) + skips[0].to(described.dtype)
        x: Tensor | None = start * styles[0][:, :, None, None]
        img: Tensor | None = None
        for row, (block, conv, skip, dtype) in enumerate(layers):
            assert x is not None
            y, gain = conv(x.to(dtype, memory_format=torch.channels_last), styles[row], noise_mode)
            scale = gain * styles[row + 1] if row + 1 < len(layers) else None
            if conv is not block.conv1:
                x, _ = fan_out(y, scale, None)
                assert x is not None
                x = torch.addcmul(x, skip.to(x.dtype), styles[row + 1][:, :, None, None].to(x.dtype))
                continue
            mixing, factor = block.torgb.mixing(ws[:, row + 1], gain, dtype)
            x, mixed = fan_out(y, scale, mixing)
            rgb = block.torgb(mixed, factor, block.size)
            img = rgb if img is None else upsample2d(img) + rgb
        assert img is not None
        return img
