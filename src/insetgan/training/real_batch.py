"""A batch of the data set, as the phases of a training step look at it."""

from dataclasses import dataclass

from torch import Tensor

from insetgan.data.share import Share


@dataclass(frozen=True)
class RealBatch:
    """One process's share of a batch of the data set.

    Attributes:
        images: [n, 3, h, w] in [-1, 1].
        labels: [n, c_dim]; None without.
        condition: [n, ...], what else the networks are told of each image; None for nothing.
    """

    images: Tensor
    labels: Tensor | None = None
    condition: Tensor | None = None

    def part(self, piece: Share, whole: Share) -> "RealBatch":
        """Pick the samples of `piece` out of this batch, which is the share `whole`."""
        rows = (None if each is None else piece.of(whole, each) for each in (self.labels, self.condition))
        return RealBatch(piece.of(whole, self.images), *rows)
