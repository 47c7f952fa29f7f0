"""Which samples of a batch are computed together: by one process, in one round."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Share:
    """One of equal parts of a batch, cut so that the cut does not change what is computed.

    Minibatch standard deviation looks at groups of samples, which lie total / group apart in a batch
    (`networks.discriminator.minibatch_std`). A part takes whole groups, in an order in which the same rule finds the same
    groups in the part alone. So a batch gives the same gradients whether one process computes it at once, in rounds, or
    with others.

    Attributes:
        total: samples of the whole batch.
        parts: how many parts there are.
        part: which one this is.
        group: samples that have to stay together; divides total / parts.

    Raises:
        ValueError: the batch cannot be cut so.
    """

    total: int
    parts: int = 1
    part: int = 0
    group: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be cut."""
        if self.total < 1 or self.total % (self.parts * self.group) or not 0 <= self.part < self.parts:
            raise ValueError(
                f"cannot cut a batch of {self.total} into {self.parts} equal parts made of whole groups of {self.group}"
            )

    @property
    def count(self) -> int:
        """Samples of this part."""
        return self.total // self.parts

    @property
    def places(self) -> list[int]:
        """Where the samples of this part lie in the whole batch."""
        groups = self.total // self.group
        mine = groups // self.parts
        first = self.part * mine
        return [turn * groups + place for turn in range(self.group) for place in range(first, first + mine)]

    def cut(self, parts: int) -> list["Share"]:
        """Cut this part again; the pieces are parts of the same whole batch."""
        return [Share(self.total, self.parts * parts, self.part * parts + index, self.group) for index in range(parts)]

    def of(self, whole: "Share", samples: Tensor) -> Tensor:
        """Pick this part's samples out of those [n, ...] of `whole`, from which it was cut; nothing is copied for one piece."""
        pieces = self.parts // whole.parts
        if pieces == 1:
            return samples
        mine = whole.count // self.group // pieces
        first = (self.part - whole.part * pieces) * mine
        groups = samples.view(self.group, -1, *samples.shape[1:])
        return groups[:, first : first + mine].flatten(0, 1)

    def fewer(self, divisor: int) -> "Share":
        """The like part of a batch `divisor` times as small, one sample a part at least, without groups."""
        return Share(max(self.count // divisor, 1) * self.parts, self.parts, self.part)
