"""The synthesis of CoModGAN: StyleGAN2's, co-modulated by what an encoder saw."""

from collections.abc import Sequence

import torch
from torch import Tensor

from insetgan.networks.layers import Dense, block_dtypes
from insetgan.networks.synthesis import NOISE_MODES, NoiseMode, SynthesisNetwork


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
        coarsest.const = None  # type: ignore[assignment]  # kept as an attribute: `SynthesisBlock.convs` tests for it
        self.start = Dense(x_dim, coarsest.conv1.weight.shape[1] * coarsest.size[0] * coarsest.size[1])

    def complete(
        self, ws: Tensor, described: Tensor, skips: Sequence[Tensor], *, noise_mode: NoiseMode = "const"
    ) -> Tensor:
        """Draw images.

        Args:
            ws: [n, num_ws, w_dim], as for `SynthesisNetwork.forward`.
            described: [n, x_dim], the encoder's global vector.
            skips: the encoder's features, from the coarsest to the finest.
            noise_mode: as for `SynthesisNetwork.forward`.

        Returns:
            [n, img_channels, height, width], nominally in [-1, 1]: the whole image, nothing of it copied from the input.

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
            start = self.start(described.to(full)).view(-1, *self.coarsest) + skips[0].to(full)
            return self.draw(both.to(full), noise_mode, dtypes, start=start, skips=skips)

    def forward(self, ws: Tensor, *, noise_mode: NoiseMode = "const") -> Tensor:
        """Refuse to draw without an image to complete: see `complete`."""
        raise TypeError("a CoModGAN's synthesis needs what the encoder saw: call complete")
