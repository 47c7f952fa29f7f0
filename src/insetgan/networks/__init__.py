"""The networks: StyleGAN2 generator and discriminator with published parameter names."""

from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator

__all__ = ["Discriminator", "Generator"]
