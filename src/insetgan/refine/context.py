"""What the terms of the inset objective look at: one state of canvas and insets, each derived quantity made once."""

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from insetgan.networks.perceptual import Perceptual, unit_features
from insetgan.ops.regions import WORKING_SIZE, Region, outside_all

CANVAS = "canvas"
"""The key of the canvas where codes and sides are looked up; insets go by the name of their part."""

BODY_HEIGHT = 128
"""Rows at which whole canvases are described; the released code too looks at an eighth of its 1024."""


class Code(Protocol):
    """The latent code of one generator, w* + delta_i for layer i."""

    @property
    def centres(self) -> Tensor:
        """w*, [n, 1, w_dim]; in W+ the code of every layer, [n, num_ws, w_dim]."""
        ...

    @property
    def offsets(self) -> Tensor:
        """delta_i, [n, num_ws, w_dim]; zeros in W+."""
        ...

    @property
    def average(self) -> Tensor:
        """w_avg of the generator, [w_dim]."""
        ...


class Context:
    """One state of the optimisation, with crops and features cached until what they depend on changes.

    Attributes:
        canvas: I_A, [n, 3, H, W].
        insets: I_B by part, each [n, 3, h, w].
        regions: where each part sits, by part.
        codes: the latent codes, by `CANVAS` and part.
        reference: the canvas that L_body holds on to, [n, 3, H, W].
        inset_references: the insets that L_part holds on to, by part, each [n, 3, h, w].
        interiors: R^I, what of an inset L_part looks at, by part: weights in 0..1, each [n or 1, 1, h, w].
        perceptual: gives features; None when no term asks for them.
    """

    def __init__(
        self,
        *,
        canvas: Tensor,
        insets: Mapping[str, Tensor],
        regions: Mapping[str, Region],
        codes: Mapping[str, Code],
        reference: Tensor,
        inset_references: Mapping[str, Tensor] | None = None,
        interiors: Mapping[str, Tensor] | None = None,
        perceptual: Perceptual | None = None,
    ) -> None:
        self.canvas = canvas
        self.insets = dict(insets)
        self.regions = dict(regions)
        self.codes = dict(codes)
        self.reference = reference
        self.inset_references = dict(inset_references or {})
        self.interiors = dict(interiors or {})
        self.perceptual = perceptual
        self._made: dict[tuple[str, str], Tensor | tuple[Tensor, ...]] = {}
        self._needs: dict[tuple[str, str], frozenset[str]] = {}

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts."""
        return tuple(self.regions)

    def update(
        self,
        *,
        canvas: Tensor | None = None,
        insets: Mapping[str, Tensor] | None = None,
        regions: Mapping[str, Region] | None = None,
        codes: Mapping[str, Code] | None = None,
        reference: Tensor | None = None,
        inset_references: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Replace what has changed and forget only what was derived from it."""
        changed = set()
        if canvas is not None:
            self.canvas = canvas
            changed.add("canvas")
        if insets is not None:
            self.insets.update(insets)
            changed.add("insets")
        if regions is not None:
            self.regions.update(regions)
            changed.add("regions")
        if codes is not None:
            self.codes.update(codes)
        if reference is not None:
            self.reference = reference
            changed.add("reference")
        if inset_references is not None:
            self.inset_references.update(inset_references)
            changed.add("inset_references")
        stale = [key for key, needs in self._needs.items() if needs & changed]
        for key in stale:
            del self._made[key], self._needs[key]

    def rows(self, chosen: Tensor, *, codes: Mapping[str, Code], regions: Mapping[str, Region]) -> "Context":
        """The samples numbered in `chosen`, int64 [m], cut loose from what drew them; their codes and regions are given."""

        def cut(images: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return {name: image.detach()[chosen] for name, image in images.items()}

        return Context(
            canvas=self.canvas.detach()[chosen],
            insets=cut(self.insets),
            regions=regions,
            codes=codes,
            reference=self.reference.detach()[chosen],
            inset_references=cut(self.inset_references),
            interiors=cut(self.interiors),
            perceptual=self.perceptual,
        )

    def crop(self, part: str, size: int = WORKING_SIZE) -> Tensor:
        """D_64(B(I_A)) or smaller, [n, 3, size, size]."""
        if size != WORKING_SIZE:
            return self._tensor(f"crop {size}", part, "canvas regions", lambda: _pooled(self.crop(part), size))
        return self._tensor("crop", part, "canvas regions", lambda: self.regions[part].crop(self.canvas))

    def shrunk(self, part: str, size: int = WORKING_SIZE) -> Tensor:
        """D_64(I_B) or smaller, [n, 3, size, size]."""
        if size != WORKING_SIZE:
            return self._tensor(f"shrunk {size}", part, "insets", lambda: _pooled(self.shrunk(part), size))
        return self._tensor("shrunk", part, "insets", lambda: self.regions[part].shrink(self.insets[part]))

    def pasted(self, part: str) -> Tensor:
        """The inset at the pixels it covers on the canvas, zero elsewhere, as far as the window goes, [n, 3, h', w']."""
        return self._tensor(
            "pasted", part, "insets regions", lambda: self.regions[part].paste_in_window(self.insets[part])
        )

    def window(self, part: str) -> Tensor:
        """The canvas as far as the window goes, [n, 3, h', w']."""
        return self._tensor("window", part, "canvas regions", lambda: self.regions[part].through_window(self.canvas))

    def outside(self) -> Tensor:
        """R^O: the pixels that no inset covers, weights in 0..1, [n, 1, H, W]."""
        return self._tensor("outside", "", "regions", lambda: outside_all(self.regions.values()))

    def crop_features(self, part: str, size: int = WORKING_SIZE) -> tuple[Tensor, ...]:
        """Unit features of the canvas crop at a size."""
        return self._part_features(f"crop_features {size}", part, "canvas regions", lambda name: self.crop(name, size))

    def inset_features(self, part: str, size: int = WORKING_SIZE) -> tuple[Tensor, ...]:
        """Unit features of the inset at a size."""
        return self._part_features(f"inset_features {size}", part, "insets", lambda name: self.shrunk(name, size))

    def outside_features(self) -> tuple[Tensor, ...]:
        """Unit features of the canvas with its boxes filled from the reference: only the outside can differ."""
        return self._features(
            "outside_features",
            "canvas regions reference",
            lambda: _reduced(torch.lerp(self.reference, self.canvas, self.outside().to(self.canvas))),
        )

    def reference_features(self) -> tuple[Tensor, ...]:
        """Unit features of the reference canvas."""
        return self._features("reference_features", "reference", lambda: _reduced(self.reference))

    def kept_features(self, part: str) -> tuple[Tensor, ...]:
        """Unit features of the inset that L_part holds on to, at the working size."""
        return self._part_features(
            "kept_features",
            part,
            "inset_references",
            lambda name: self.regions[name].shrink(self.inset_references[name]),
        )

    def _part_features(self, kind: str, part: str, needs: str, image: Callable[[str], Tensor]) -> tuple[Tensor, ...]:
        """Those of one part, out of one pass for all parts: small pictures cost more apart."""
        described = self._features(kind, needs, lambda: torch.cat([image(name) for name in self.parts]))
        row = self.parts.index(part)
        return tuple(feature.chunk(len(self.parts))[row] for feature in described)

    def _features(self, kind: str, needs: str, image: Callable[[], Tensor]) -> tuple[Tensor, ...]:
        def make() -> tuple[Tensor, ...]:
            if self.perceptual is None:
                raise ValueError("a perceptual term needs a perceptual network, and none was given")
            return unit_features(self.perceptual.features(image()))

        made = self._once(kind, "", needs, make)
        assert isinstance(made, tuple)
        return made

    def _tensor(self, kind: str, part: str, needs: str, make: Callable[[], Tensor]) -> Tensor:
        made = self._once(kind, part, needs, make)
        assert isinstance(made, Tensor)
        return made

    def _once(
        self, kind: str, part: str, needs: str, make: Callable[[], Tensor | tuple[Tensor, ...]]
    ) -> Tensor | tuple[Tensor, ...]:
        key = (kind, part)
        if key not in self._made:
            self._made[key] = make()
            self._needs[key] = frozenset(needs.split())
        return self._made[key]


def _reduced(canvas: Tensor) -> Tensor:
    """The canvas at about `BODY_HEIGHT` rows, by means of blocks of whole pixels; a smaller one as it is."""
    return functional.avg_pool2d(canvas, max(1, canvas.shape[2] // BODY_HEIGHT))


def _pooled(images: Tensor, size: int) -> Tensor:
    """Means of equal blocks: pictures [n, 3, h, w] at size x size, a divisor of both sides."""
    return functional.adaptive_avg_pool2d(images, (size, size))
