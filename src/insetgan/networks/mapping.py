"""The mapping network: from z (and a label) to the intermediate latents w."""

import torch
from torch import Tensor, nn

from insetgan.networks.layers import Dense, normalize_2nd_moment

LR_MULTIPLIER = 0.01


class MappingNetwork(nn.Module):
    """Multilayer perceptron from z and an optional label to w (StyleGAN2; published names `embed`, `fc0` ...).

    Always computes in the parameters' precision, also under autocast.
    """

    def __init__(self, *, z_dim: int, c_dim: int, w_dim: int, layers: int = 8) -> None:
        """Make the layers.

        Args:
            z_dim: size of z; 0 for a network of the label alone.
            c_dim: number of label values; 0 for none.
            w_dim: size of w.
            layers: depth.
        """
        super().__init__()
        self.z_dim = z_dim
        self.c_dim = c_dim
        self.w_dim = w_dim
        self.layers = layers
        if c_dim > 0:
            self.embed = Dense(c_dim, w_dim)
        features = z_dim + (w_dim if c_dim > 0 else 0)
        for i in range(layers):
            layer = Dense(features if i == 0 else w_dim, w_dim, activation=True, lr_multiplier=LR_MULTIPLIER)
            self.add_module(f"fc{i}", layer)

    def transform(self, z: Tensor | None, c: Tensor | None) -> Tensor:
        """Map z [n, z_dim] (None when z_dim is 0) and label c [n, c_dim] (None when c_dim is 0) to w [n, w_dim].

        Raises:
            ValueError: the network is conditional and c is missing, or it needs z and z is missing.
        """
        inputs = []
        if self.z_dim > 0:
            if z is None or z.shape[1:] != (self.z_dim,):
                raise ValueError(f"z must have the shape [n, {self.z_dim}]")
            inputs.append(normalize_2nd_moment(z.to(self.fc0_dtype)))
        if self.c_dim > 0:
            if c is None or c.shape[1:] != (self.c_dim,):
                raise ValueError(f"this network is conditional: c must have the shape [n, {self.c_dim}]")
            inputs.append(normalize_2nd_moment(self.embed(c.to(self.fc0_dtype))))
        x = torch.cat(inputs, dim=1)
        for i in range(self.layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x

    @property
    def fc0_dtype(self) -> torch.dtype:
        """The precision of the parameters."""
        return next(self.parameters()).dtype


class LabelMapping(MappingNetwork):
    """The discriminator's mapping of a label to the vector onto which features are projected."""

    def __init__(self, *, c_dim: int, w_dim: int, layers: int = 8) -> None:
        """Make a network from [n, c_dim] to [n, w_dim]."""
        super().__init__(z_dim=0, c_dim=c_dim, w_dim=w_dim, layers=layers)

    def forward(self, c: Tensor | None) -> Tensor:
        """[n, c_dim] -> [n, w_dim]."""
        return self.transform(None, c)


class LatentMapping(MappingNetwork):
    """The generator's mapping, with the running mean of w for the truncation trick."""

    w_avg: Tensor

    def __init__(
        self, *, z_dim: int, c_dim: int, w_dim: int, num_ws: int, layers: int = 8, w_avg_beta: float = 0.998
    ) -> None:
        """Make a network from [n, z_dim] to [n, num_ws, w_dim]; `w_avg_beta` is the decay of the mean a batch."""
        super().__init__(z_dim=z_dim, c_dim=c_dim, w_dim=w_dim, layers=layers)
        self.num_ws = num_ws
        self.w_avg_beta = w_avg_beta
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        *,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        update_w_avg: bool = False,
    ) -> Tensor:
        """Map z and label to one w a layer.

        Args:
            z: [n, z_dim].
            c: [n, c_dim], one-hot; None for an unconditional network.
            truncation_psi: psi; w becomes w_avg + psi * (w - w_avg). 1 changes nothing, 0 gives w_avg.
            truncation_cutoff: truncate the first so many rows only; None for all.
            update_w_avg: let this batch's mean enter w_avg (before truncation).

        Returns:
            [n, num_ws, w_dim].
        """
        w = self.transform(z, c)
        if update_w_avg:
            self.w_avg.copy_(w.detach().mean(0).lerp(self.w_avg, self.w_avg_beta))
        ws = w[:, None].repeat(1, self.num_ws, 1)
        if truncation_psi == 1:
            return ws
        cutoff = self.num_ws if truncation_cutoff is None else truncation_cutoff
        return torch.cat([self.w_avg.lerp(ws[:, :cutoff], truncation_psi), ws[:, cutoff:]], dim=1)
