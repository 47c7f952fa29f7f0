"""Several frozen feature networks seen as one: their maps of the same size, one behind the other."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Stats = tuple[Tensor, Tensor]
"""Mean of each channel [1, c, 1, 1], and the spread: the root mean square over channels of their standard deviations."""


class ConcatenatedFeatures(nn.Module):
    """Feature maps of several networks, joined channel by channel where they have the same size.

    Critics that look through one network learn what that network overlooks. Through two they have to agree with both: a
    network that knows the images' parts keeps poses and colours apart, one that knows photographs asks for detail.

    Networks differ in the scale of their maps, and the projections that follow are random: without a common scale the
    louder network would be all that critics hear. So the maps of every further network are shifted and scaled, by one
    factor a map, until on the given images each channel has the mean 0 and the map has the spread of the first network's
    map of the same size; where the first has none, the spread 1.

    Args:
        images: [n, 3, h, w] in [-1, 1], on which the scales are found; a hundred are plenty.
        networks: feature networks by name (see `projected.FeatureNetwork`); all frozen by the code that uses this.

    Raises:
        ValueError: fewer than two images or no network.
    """

    def __init__(self, images: Tensor, **networks: nn.Module) -> None:
        super().__init__()
        if len(images) < 2 or not networks:
            raise ValueError(f"images={len(images)}, networks={len(networks)}: needs two images and a network")
        self.networks = nn.ModuleDict(networks)
        described = {name: self._describe(name, images) for name in networks}
        first, *further = networks
        wanted = {each.shape[-2:]: _stats(each)[1] for each in described[first]}
        for name in further:
            for index, each in enumerate(described[name]):
                mean, spread = _stats(each)
                gain = wanted.get(each.shape[-2:], torch.ones(())) / spread.clamp(min=1e-6)
                self.register_buffer(f"{name}_mean_{index}", mean)
                self.register_buffer(f"{name}_gain_{index}", gain)

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps of all sizes that any of the networks has, from fine to coarse.

        Args:
            images: [n, 3, h, w] in [-1, 1].

        Returns:
            A map for each size, the channels in the order of the networks, in float32 if any of them is.
        """
        by_size: dict[tuple[int, int], list[Tensor]] = {}
        for number, name in enumerate(self.networks):
            for index, each in enumerate(self.networks[name].features(images)):  # type: ignore[operator]
                if number:
                    each = (each - self.get_buffer(f"{name}_mean_{index}")) * self.get_buffer(f"{name}_gain_{index}")
                by_size.setdefault((each.shape[-2], each.shape[-1]), []).append(each)
        return tuple(_joined(by_size[size]) for size in sorted(by_size, reverse=True))

    @torch.no_grad()
    def _describe(self, name: str, images: Tensor) -> Sequence[Tensor]:
        network = self.networks[name].eval()
        batches = [network.features(batch) for batch in torch.split(images, 16)]  # type: ignore[operator]
        return [torch.cat(maps) for maps in zip(*batches, strict=True)]


def _stats(each: Tensor) -> Stats:
    variance, mean = torch.var_mean(each, dim=(0, 2, 3), keepdim=True)
    return mean, variance.mean().sqrt()


def _joined(maps: Sequence[Tensor]) -> Tensor:
    return maps[0] if len(maps) == 1 else torch.cat([each.to(_widest(maps)) for each in maps], dim=1)


def _widest(maps: Sequence[Tensor]) -> torch.dtype:
    dtype = maps[0].dtype
    for each in maps[1:]:
        dtype = torch.promote_types(dtype, each.dtype)
    return dtype
