"""Two small generators that are no StyleGANs: one of z alone, as R3GAN's, and a decoder of a map of latents."""

from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

SLOPE = 0.2


class Stage(nn.Module):
    """A residual block without normalisation, then twice the size by bilinear interpolation."""

    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, 2 * channels, 1, bias=False)
        self.middle = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2)
        self.last = nn.Conv2d(2 * channels, channels, 1, bias=False)

    def forward(self, x):
        y = functional.leaky_relu(self.first(x), SLOPE)
        x = x + self.last(functional.leaky_relu(self.middle(y), SLOPE))
        return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class ZNet(nn.Module):
    """z scales a learned 4 x 4 basis once, and residual stages follow: no mapping, no W, no noise (R3GAN's plan).

    Besides z there are features, added behind the first stage: zeros for every z of the prior.
    """

    layers = 1
    spaces: ClassVar = {"z": ("z",), "z+features": ("z", "features")}

    def __init__(self, size, z_dim=8, channels=8):
        super().__init__()
        torch.manual_seed(size)
        self.height = self.width = size
        self.z_dim, self.channels = z_dim, channels
        self.scale = nn.Linear(z_dim, channels)
        self.basis = nn.Parameter(torch.randn(channels, 4, 4))
        self.stages = nn.ModuleList(Stage(channels) for _ in range(size.bit_length() - 3))
        self.colours = nn.Conv2d(channels, 3, 1)

    @property
    def architecture(self):
        return {"size": self.height, "z_dim": self.z_dim, "channels": self.channels}

    def files(self):
        return []

    @property
    def mean(self):
        return {"z": self.basis.new_zeros(self.z_dim), "features": self.basis.new_zeros(self.channels, 8, 8)}

    def sample(self, z, psi):
        return {"z": z * psi.to(z), "features": z.new_zeros(len(z), self.channels, 8, 8)}

    def render(self, latents):
        x = self.stages[0](self.scale(latents["z"])[:, :, None, None] * self.basis) + latents["features"]
        for stage in self.stages[1:]:
            x = stage(x)
        return self.colours(x).tanh()

    def distance(self, latents, space):
        return latents["z"].square().mean(1, keepdim=True)

    def offsets(self, latents, space):
        return latents["features"].square().mean((1, 2, 3))[:, None]


class MapDecoder(nn.Module):
    """Decodes a map of latents of an eighth of the size, as a VAE's decoder does; the prior is normal at every place."""

    layers = 1
    spaces: ClassVar = {"map": ("map",)}

    def __init__(self, height, width, channels=4):
        super().__init__()
        torch.manual_seed(height)
        self.height, self.width, self.channels = height, width, channels
        self.z_dim = channels * (height // 8) * (width // 8)
        self.stages = nn.Sequential(*(Stage(channels) for _ in range(3)))
        self.colours = nn.Conv2d(channels, 3, 3, padding=1)

    def files(self):
        return []

    @property
    def mean(self):
        return {"map": self.colours.weight.new_zeros(self.channels, self.height // 8, self.width // 8)}

    def sample(self, z, psi):
        return {"map": (z * psi.to(z)).unflatten(1, (self.channels, self.height // 8, self.width // 8))}

    def render(self, latents):
        return self.colours(self.stages(latents["map"])).tanh()

    def distance(self, latents, space):
        return latents["map"].square().mean(1).flatten(1)

    def offsets(self, latents, space):
        return torch.zeros_like(latents["map"][:, 0, :1, 0])
