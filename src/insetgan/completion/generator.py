"""CoModGAN: completes images with large holes (Zhao et al. 2021, "Large scale image completion via co-modulated GANs")."""

import torch
from torch import Tensor

from insetgan.completion.encoder import Encoder
from insetgan.completion.synthesis import CoModSynthesis
from insetgan.networks.described import DescribedNetwork
from insetgan.networks.mapping import LatentMapping
from insetgan.networks.synthesis import NoiseMode
from insetgan.runtime.fingerprint import FromFile

W_AVG_BETA = 0.995


class CoModGenerator(FromFile, DescribedNetwork):
    """StyleGAN2's generator whose styles know what an encoder saw of the image that is to be completed.

    Two sources make completions differ: the latent z, and dropout of the encoder's global vector, which stays on at
    inference. Both are inputs, so that a seed gives one completion.
    """

    z_dim: int
    w_dim: int
    x_dim: int
    mapping_layers: int
    c_dim = 0

    def __init__(
        self,
        *,
        height: int,
        width: int,
        z_dim: int = 512,
        w_dim: int = 512,
        x_dim: int | None = None,
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
            x_dim: size of the encoder's global vector; None for twice w_dim, as published.
            c_dim: number of label values; must be 0, since labels are not looked at.
            img_channels: colours of the images.
            mapping_layers: depth of the mapping network.
            channel_base: a block of height r has min(channel_base // r, channel_max) feature maps.
            channel_max: see channel_base.
            conv_clamp: limit of the absolute value of features; None for none.

        Raises:
            ValueError: no network has this height and width, z_dim, w_dim, x_dim, mapping_layers or the channels are
                below 1, or there are labels.
        """
        if c_dim:
            raise ValueError(f"c_dim={c_dim}: must be 0, since labels are not looked at")
        x_dim = 2 * w_dim if x_dim is None else x_dim
        super().__init__(
            height=height,
            width=width,
            z_dim=z_dim,
            w_dim=w_dim,
            x_dim=x_dim,
            img_channels=img_channels,
            mapping_layers=mapping_layers,
            channel_base=channel_base,
            channel_max=channel_max,
            conv_clamp=conv_clamp,
        )
        shape = {
            "height": height,
            "width": width,
            "x_dim": x_dim,
            "img_channels": img_channels,
            "channel_base": channel_base,
            "channel_max": channel_max,
        }
        self.encoder = Encoder(**shape, conv_clamp=conv_clamp)
        self.synthesis = CoModSynthesis(**shape, w_dim=w_dim, conv_clamp=conv_clamp)
        self.num_ws = self.synthesis.num_ws
        self.mapping = LatentMapping(
            z_dim=z_dim, c_dim=0, w_dim=w_dim, num_ws=self.num_ws, layers=mapping_layers, w_avg_beta=W_AVG_BETA
        )

    def draw(
        self, ws: Tensor, images: Tensor, known: Tensor, dropout: Tensor, *, noise_mode: NoiseMode = "const"
    ) -> Tensor:
        """Draw whole images that agree with what is known, nothing of them copied; see `complete`."""
        self._refuse_shapes(len(ws), images, known, dropout)
        described, skips = self.encoder(images, known, dropout)
        return self.synthesis.complete(ws, described, skips, noise_mode=noise_mode)

    def complete(
        self, ws: Tensor, images: Tensor, known: Tensor, dropout: Tensor, *, noise_mode: NoiseMode = "const"
    ) -> Tensor:
        """Fill the holes of images.

        Args:
            ws: [n, num_ws, w_dim].
            images: [n, img_channels, height, width], nominally in [-1, 1]; not looked at in the holes.
            known: [n, 1, height, width], 1 = known, 0 = hole.
            dropout: [n, x_dim], uniform in [0, 1); see `comod_encoder.EncoderEpilogue`.
            noise_mode: see `SynthesisNetwork.forward`.

        Returns:
            [n, img_channels, height, width]; known pixels are those of `images`, to the bit.

        Raises:
            ValueError: an argument has another shape than it must.
        """
        drawn = self.draw(ws, images, known, dropout, noise_mode=noise_mode)
        return torch.where(known > 0, images, drawn.to(images.dtype))

    def forward(
        self,
        z: Tensor,
        images: Tensor,
        known: Tensor,
        dropout: Tensor,
        truncation_psi: float = 1.0,
        noise_mode: NoiseMode = "const",
    ) -> Tensor:
        """Fill the holes of images as latents z [n, z_dim] have it; for the others see `complete`.

        `truncation_psi` draws w, not what the encoder saw, to the mean: see `LatentMapping.forward`.
        """
        ws = self.mapping(z, truncation_psi=truncation_psi)
        return self.complete(ws, images, known, dropout, noise_mode=noise_mode)

    def _refuse_shapes(self, count: int, images: Tensor, known: Tensor, dropout: Tensor) -> None:
        size = (self.height, self.width)
        wanted = {
            "images": (images, (count, self.img_channels, *size)),
            "known": (known, (count, 1, *size)),
            "dropout": (dropout, (count, self.x_dim)),
        }
        for name, (tensor, shape) in wanted.items():
            if tensor.shape != shape:
                raise ValueError(f"{name} must have the shape {list(shape)}, not {list(tensor.shape)}")
