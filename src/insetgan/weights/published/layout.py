"""rosinality's names of StyleGAN2's tensors beside ours, for reading and for writing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """One tensor.

    Attributes:
        ours: its name here.
        theirs: its name there.
        form: how the shapes differ: "same"; "1" and "2" where theirs has so many axes of length 1 before ours; "rgb" for
            [c] here and [1, c, 1, 1] there.
    """

    ours: str
    theirs: str
    form: str = "same"

    def our_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Our shape for one of theirs."""
        return tuple(shape[1:2] if self.form == "rgb" else shape[0 if self.form == "same" else int(self.form) :])

    def their_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Their shape for one of ours."""
        if self.form == "rgb":
            return (1, *shape, 1, 1)
        return (*((1,) * (0 if self.form == "same" else int(self.form))), *shape)


def generator_pairs(heights: Sequence[int], mapping_layers: int) -> Iterator[Pair]:
    """All tensors of a generator but for its filters and its mean of w, which lies beside it as `latent_avg`."""
    for layer in range(mapping_layers):
        for each in ("weight", "bias"):
            yield Pair(f"mapping.fc{layer}.{each}", f"style.{layer + 1}.{each}")
    yield Pair(f"synthesis.b{heights[0]}.const", "input.input", "1")
    row = 0
    for block, height in enumerate(heights):
        ours = f"synthesis.b{height}"
        for conv in ("conv1",) if block == 0 else ("conv0", "conv1"):
            theirs = "conv1" if row == 0 else f"convs.{row - 1}"
            yield from _styled(f"{ours}.{conv}", theirs)
            yield Pair(f"{ours}.{conv}.bias", f"{theirs}.activate.bias")
            yield Pair(f"{ours}.{conv}.noise_strength", f"{theirs}.noise.weight", "1")
            yield Pair(f"{ours}.{conv}.noise_const", f"noises.noise_{row}", "2")
            row += 1
        theirs = "to_rgb1" if block == 0 else f"to_rgbs.{block - 1}"
        yield from _styled(f"{ours}.torgb", theirs)
        yield Pair(f"{ours}.torgb.bias", f"{theirs}.bias", "rgb")


def generator_filters(heights: Sequence[int]) -> list[str]:
    """Their names of the low-pass filters of a generator, which are 4 times ours."""
    blocks = range(len(heights) - 1)
    return [f"convs.{2 * block}.conv.blur.kernel" for block in blocks] + [
        f"to_rgbs.{block}.upsample.kernel" for block in blocks
    ]


def discriminator_pairs(heights: Sequence[int]) -> Iterator[Pair]:
    """All tensors of a discriminator but for its filters; `heights` of its blocks from the coarsest, with that of the end."""
    yield from _biased(f"b{heights[-1]}.fromrgb", "convs.0", 0)
    for block, height in enumerate(reversed(heights[1:]), start=1):
        yield from _biased(f"b{height}.conv0", f"convs.{block}.conv1", 0)
        yield from _biased(f"b{height}.conv1", f"convs.{block}.conv2", 1)
        yield Pair(f"b{height}.skip.weight", f"convs.{block}.skip.1.weight")
    yield from _biased(f"b{heights[0]}.conv", "final_conv", 0)
    for ours, theirs in (("fc", "final_linear.0"), ("out", "final_linear.1")):
        for each in ("weight", "bias"):
            yield Pair(f"b{heights[0]}.{ours}.{each}", f"{theirs}.{each}")


def discriminator_filters(heights: Sequence[int]) -> list[str]:
    """Their names of the low-pass filters of a discriminator, which are ours."""
    blocks = range(1, len(heights))
    return [f"convs.{block}.{layer}.0.kernel" for block in blocks for layer in ("conv2", "skip")]


def _styled(ours: str, theirs: str) -> Iterator[Pair]:
    yield Pair(f"{ours}.weight", f"{theirs}.conv.weight", "1")
    for each in ("weight", "bias"):
        yield Pair(f"{ours}.affine.{each}", f"{theirs}.conv.modulation.{each}")


def _biased(ours: str, theirs: str, at: int) -> Iterator[Pair]:
    yield Pair(f"{ours}.weight", f"{theirs}.{at}.weight")
    yield Pair(f"{ours}.bias", f"{theirs}.{at + 1}.bias")
