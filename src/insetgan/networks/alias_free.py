"""The StyleGAN3 generator, alias-free, of configurations T and R (Karras et al. 2021), written from the paper.

For drawing and for optimising latents; it is not trained here, so the means of magnitudes stay as a file has them.
"""

import torch
from torch import Tensor, nn

from insetgan.networks.alias_free_layers import AliasFreeLayer, FourierInput
from insetgan.networks.alias_free_signals import LAYERS, signals, steps
from insetgan.networks.described import DescribedNetwork
from insetgan.networks.layered import Layered
from insetgan.networks.mapping import LatentMapping
from insetgan.runtime.fingerprint import FromFile

OUTPUT_SCALE = 0.25
SMALLEST = 16
"""The sampling rate of the first layers."""


class AliasFreeSynthesis(nn.Module):
    """From w of the Fourier features and of each layer to an image; published parameter names and shapes."""

    def __init__(
        self,
        *,
        resolution: int,
        w_dim: int,
        img_channels: int,
        channel_base: int,
        channel_max: int,
        conv_kernel: int,
        radial_filters: bool,
        conv_clamp: float | None,
    ) -> None:
        """Make the layers; see `AliasFreeGenerator`."""
        super().__init__()
        found = signals(resolution, channel_base=channel_base, channel_max=channel_max, img_channels=img_channels)
        self.input = FourierInput(w_dim=w_dim, signal=found[0])
        self.names = []
        for layer, (name, taken, given) in enumerate(steps(found)):
            made = AliasFreeLayer(
                taken,
                given,
                w_dim=w_dim,
                kernel=conv_kernel,
                radial=radial_filters and given.cutoff < given.rate / 2,
                colours=layer == LAYERS,
                clamp=conv_clamp,
            )
            self.add_module(name, made)
            self.names.append(name)
        self.num_ws = len(self.names) + 1

    def forward(self, ws: Tensor) -> Tensor:
        """[n, num_ws, w_dim] -> [n, img_channels, resolution, resolution], in the parameters' precision under autocast too."""
        with torch.autocast(ws.device.type, enabled=False):
            ws = ws.to(self.input.weight.dtype)
            x: Tensor = self.input(ws[:, 0])
            for row, name in enumerate(self.names, start=1):
                x = self.get_submodule(name)(x, ws[:, row])
            return x * OUTPUT_SCALE


class AliasFreeGenerator(FromFile, Layered, DescribedNetwork):
    """StyleGAN3: an image whose detail moves with what it shows, to parts of a pixel; R turns with it, too."""

    z_dim: int
    w_dim: int
    mapping_layers: int
    conv_kernel: int
    radial_filters: bool

    def __init__(
        self,
        *,
        height: int,
        width: int,
        z_dim: int = 512,
        w_dim: int = 512,
        c_dim: int = 0,
        img_channels: int = 3,
        mapping_layers: int = 2,
        channel_base: int = 32768,
        channel_max: int = 512,
        conv_clamp: float | None = 256,
        conv_kernel: int = 3,
        radial_filters: bool = False,
    ) -> None:
        """Make a randomly initialised network.

        Args:
            height: of the images, a power of two from 16.
            width: of the images, as the height.
            z_dim: size of the input latent z.
            w_dim: size of the intermediate latent w.
            c_dim: number of label values; 0 for an unconditional network.
            img_channels: colours of the images.
            mapping_layers: depth of the mapping network.
            channel_base: features of the band f_c have min(channel_base / (2 f_c), channel_max) maps; twice as much in R.
            channel_max: see channel_base.
            conv_clamp: limit of the absolute value of features; None for none.
            conv_kernel: 3 in T, 1 in R.
            radial_filters: filters that are the same in all directions, as R has them.

        Raises:
            ValueError: no network has this height and width, another kernel, or sizes below 1.
        """
        super().__init__(
            height=height,
            width=width,
            z_dim=z_dim,
            w_dim=w_dim,
            c_dim=c_dim,
            img_channels=img_channels,
            mapping_layers=mapping_layers,
            channel_base=channel_base,
            channel_max=channel_max,
            conv_clamp=conv_clamp,
            conv_kernel=conv_kernel,
            radial_filters=radial_filters,
        )
        if height != width or height < SMALLEST or height & (height - 1):
            raise ValueError(
                f"height={height}, width={width}: StyleGAN3 draws squares of a power of two from {SMALLEST}, such as 256 x 256"
            )
        if conv_kernel not in (1, 3):
            raise ValueError(f"conv_kernel={conv_kernel}: must be 3 (T) or 1 (R)")
        self.synthesis = AliasFreeSynthesis(
            resolution=height,
            w_dim=w_dim,
            img_channels=img_channels,
            channel_base=channel_base,
            channel_max=channel_max,
            conv_kernel=conv_kernel,
            radial_filters=bool(radial_filters),
            conv_clamp=conv_clamp,
        )
        self.num_ws = self.synthesis.num_ws
        self.mapping = LatentMapping(z_dim=z_dim, c_dim=c_dim, w_dim=w_dim, num_ws=self.num_ws, layers=mapping_layers)

    def draw(self, ws: Tensor) -> Tensor:
        """Draw ws [n, num_ws, w_dim]: [n, img_channels, height, width]; there is no noise."""
        images: Tensor = self.synthesis(ws)
        return images

    def forward(self, z: Tensor, c: Tensor | None = None, truncation_psi: float = 1.0) -> Tensor:
        """Draw images [n, img_channels, height, width], nominally in [-1, 1], of z [n, z_dim] and labels c [n, c_dim]."""
        return self.draw(self.mapping(z, c, truncation_psi=truncation_psi))
