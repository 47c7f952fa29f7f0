"""Networks that know how they were made."""

from torch import nn

from insetgan.networks.layers import refuse_clamp, refuse_fractions
from insetgan.runtime import limits

_SIZES = ("z_dim", "w_dim", "x_dim", "mapping_layers", "channel_max", "mbstd_group_size", "channel_base")
"""Arguments that are whole numbers of 1 or more, where a network has them."""


class DescribedNetwork(nn.Module):
    """A network that keeps the keyword arguments that make another of its shape, each as an attribute too.

    Attributes:
        height: of the images.
        width: of the images.
        c_dim: number of label values; 0 for an unconditional network.
        img_channels: colours of the images.
        channel_base: a block of height r has min(channel_base // r, channel_max) feature maps.
        channel_max: see channel_base.
        conv_clamp: limit of the absolute value of features; None for none.
    """

    height: int
    width: int
    c_dim: int
    img_channels: int
    channel_base: int
    channel_max: int
    conv_clamp: float | None

    def __init__(self, **architecture: int | float | None) -> None:
        """Check and keep the arguments.

        Args:
            architecture: those of the network, all with their values.

        Raises:
            ValueError: a size that is no whole number of 1 or more or beyond `limits.ARCHITECTURE`, a conv_clamp that is
                no limit, or too small a channel_base for the height.
        """
        super().__init__()
        self._arguments = tuple(architecture)
        refuse_fractions(**{name: architecture[name] for name in _SIZES if name in architecture})
        for name in (*_SIZES, "c_dim", "img_channels"):  # before a typing error takes the machine's memory
            most = limits.ARCHITECTURE.get(name, limits.ARCHITECTURE_OTHERS)
            if (architecture.get(name) or 0) > most:
                raise ValueError(f"{name}={architecture[name]}: must be at most {most}")
        refuse_clamp(architecture["conv_clamp"])
        for name, value in architecture.items():
            setattr(self, name, value)
        if self.channel_base < self.height:
            raise ValueError(
                f"channel_base={self.channel_base}: must be {self.height} or more for height={self.height}"
            )

    @property
    def architecture(self) -> dict[str, int | float | None]:
        """The keyword arguments that make a network of this shape."""
        return {name: getattr(self, name) for name in self._arguments}
