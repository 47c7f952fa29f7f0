"""The StyleGAN2 generator: mapping and synthesis."""

from torch import Tensor

from insetgan.networks.described import DescribedNetwork
from insetgan.networks.layered import Layered
from insetgan.networks.mapping import LatentMapping
from insetgan.networks.synthesis import NoiseMode, SynthesisNetwork
from insetgan.runtime.fingerprint import FromFile


class Generator(FromFile, Layered, DescribedNetwork):
    """StyleGAN2 with free height and width; parameters carry the published names and shapes."""

    z_dim: int
    w_dim: int
    mapping_layers: int

    def __init__(
        self,
        *,
        height: int,
        width: int,
        z_dim: int = 512,
        w_dim: int = 512,
        c_dim: int = 0,
        img_channels: int = 3,
        mapping_layers: int = 8,
        channel_base: int = 32768,
        channel_max: int = 512,
        conv_clamp: float | None = None,
    ) -> None:
        """Make a randomly initialised network.

        Args:
            height: of the images; together with the width one of the sizes that `layers.block_sizes` takes.
            width: of the images.
            z_dim: size of the input latent z.
            w_dim: size of the intermediate latent w.
            c_dim: number of label values; 0 for an unconditional network.
            img_channels: colours of the images.
            mapping_layers: depth of the mapping network.
            channel_base: a block of height r has min(channel_base // r, channel_max) feature maps.
            channel_max: see channel_base.
            conv_clamp: limit of the absolute value of features; None for none.

        Raises:
            ValueError: no network has this height and width, or z_dim, w_dim, mapping_layers or the channels are below 1.
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
        )
        self.synthesis = SynthesisNetwork(
            height=height,
            width=width,
            w_dim=w_dim,
            img_channels=img_channels,
            channel_base=channel_base,
            channel_max=channel_max,
            conv_clamp=conv_clamp,
        )
        self.num_ws = self.synthesis.num_ws
        self.mapping = LatentMapping(z_dim=z_dim, c_dim=c_dim, w_dim=w_dim, num_ws=self.num_ws, layers=mapping_layers)

    def draw(self, ws: Tensor) -> Tensor:
        """Draw the latents [n, num_ws, w_dim] with the stored noise: [n, img_channels, height, width]."""
        images: Tensor = self.synthesis(ws, noise_mode="const")
        return images

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        noise_mode: NoiseMode = "const",
    ) -> Tensor:
        """Draw images.

        Args:
            z: [n, z_dim].
            c: [n, c_dim], one-hot; None for an unconditional network.
            truncation_psi: see `LatentMapping.forward`.
            noise_mode: see `SynthesisNetwork.forward`.

        Returns:
            [n, img_channels, height, width], nominally in [-1, 1].
        """
        ws = self.mapping(z, c, truncation_psi=truncation_psi)
        images: Tensor = self.synthesis(ws, noise_mode=noise_mode)
        return images
