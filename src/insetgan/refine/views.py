"""What the loss terms look at: one state of the canvas and of the insets.

Whatever follows from a state is made once, when it is asked for. Views are frozen: a new image or a new box makes a new view,
so nothing in a view can be out of date.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from insetgan.networks.perceptual import Perceptual, describe
from insetgan.ops.regions import WORKING_SIZE, Region
from insetgan.refine.latents import Latents
from insetgan.refine.locations import Locations

BODY_HEIGHT = 128
"""Rows at which whole canvases are described; the released code too looks at an eighth of its 1024."""

Features = tuple[Tensor, ...]
"""Unit features at several scales, each [n, c, h, w]."""


@dataclass(frozen=True, eq=False)
class Small:
    """One image of every part at a low resolution, D_64 of the paper or less.

    Attributes:
        images: by part, [n, 3, size, size].
        perceptual: gives features; None when no term asks for them.
    """

    images: Mapping[str, Tensor]
    perceptual: Perceptual | None = None
    _smaller: dict[int, "Small"] = field(default_factory=dict, repr=False)

    @cached_property
    def features(self) -> dict[str, Features]:
        """Unit features by part, out of one pass for all parts: small images cost more apart."""
        described = _describe(self.perceptual, torch.cat(list(self.images.values())))
        by_part = zip(*(feature.chunk(len(self.images)) for feature in described), strict=True)
        return dict(zip(self.images, by_part, strict=True))

    def at(self, size: int) -> "Small":
        """The same at another size, a divisor of the working size, as means of equal blocks."""
        if size == WORKING_SIZE:
            return self
        if size not in self._smaller:
            pooled = {part: functional.adaptive_avg_pool2d(image, (size, size)) for part, image in self.images.items()}
            self._smaller[size] = Small(pooled, self.perceptual)
        return self._smaller[size]


@dataclass(frozen=True, eq=False)
class CanvasImage:
    """Canvases as they are, without what lies on them.

    Attributes:
        image: I_A, [n, 3, H, W].
        perceptual: gives features; None when no term asks for them.
    """

    image: Tensor
    perceptual: Perceptual | None = None

    @cached_property
    def features(self) -> Features:
        """Unit features of the whole canvas at about `BODY_HEIGHT` rows."""
        return _describe(self.perceptual, _reduced(self.image))


@dataclass(frozen=True, eq=False)
class CanvasView:
    """The canvas, the boxes on it and the canvas that L_body holds on to.

    Attributes:
        image: I_A, [n, 3, H, W].
        locations: where the parts are.
        reference: I_ref of L_body.
        perceptual: gives features; None when no term asks for them.
    """

    image: Tensor
    locations: Locations
    reference: CanvasImage
    perceptual: Perceptual | None = None

    @cached_property
    def crops(self) -> Small:
        """D_64(B(I_A)) by part; `crops.at(16)` is smaller."""
        regions = self.locations.regions.items()
        return Small({part: region.crop(self.image) for part, region in regions}, self.perceptual)

    @cached_property
    def windows(self) -> dict[str, Tensor]:
        """The canvas as far as each region's window goes, by part, [n, 3, h', w']."""
        return {part: region.through_window(self.image) for part, region in self.locations.regions.items()}

    @cached_property
    def outside_features(self) -> Features:
        """Unit features of the canvas with its boxes filled from the reference: only the outside can differ."""
        filled = torch.lerp(self.reference.image, self.image, self.locations.outside.to(self.image))
        return _describe(self.perceptual, _reduced(filled))


@dataclass(frozen=True, eq=False)
class InsetImages:
    """Insets as they are, wherever they lie.

    Attributes:
        images: I_B by part, each [n, 3, h, w].
        regions: of any locations, to resize with.
        perceptual: gives features; None when no term asks for them.
    """

    images: Mapping[str, Tensor]
    regions: Mapping[str, Region]
    perceptual: Perceptual | None = None

    @cached_property
    def small(self) -> Small:
        """D_64(I_B) by part; `small.at(16)` is smaller."""
        return Small({part: self.regions[part].shrink(image) for part, image in self.images.items()}, self.perceptual)


@dataclass(frozen=True, eq=False)
class InsetView:
    """The insets, where they lie and the insets that L_face holds on to.

    Attributes:
        drawn: I_B.
        locations: where the parts are.
        reference: I_ref of L_face.
        interiors: R^I, the pixels of an inset that L_face looks at, by part: weights in 0..1, each [n or 1, 1, h, w].
    """

    drawn: InsetImages
    locations: Locations
    reference: InsetImages
    interiors: Mapping[str, Tensor]

    @property
    def images(self) -> Mapping[str, Tensor]:
        """I_B by part, each [n, 3, h, w]."""
        return self.drawn.images

    @property
    def small(self) -> Small:
        """D_64(I_B) by part; `small.at(16)` is smaller."""
        return self.drawn.small

    @cached_property
    def pasted(self) -> dict[str, Tensor]:
        """Each inset at the pixels that it covers on the canvas, zero elsewhere, as far as the region's window goes."""
        return {part: region.paste_in_window(self.images[part]) for part, region in self.locations.regions.items()}


@dataclass(frozen=True, eq=False)
class View:
    """One state of the optimisation, as a loss term sees it.

    Attributes:
        canvas: I_A and what follows from it.
        insets: I_B and what follows from it.
        latents: w_A and w_B, by `CANVAS` and part.
    """

    canvas: CanvasView
    insets: InsetView
    latents: Mapping[str, Latents]

    @classmethod
    def of(
        cls,
        canvas: Tensor,
        insets: Mapping[str, Tensor],
        locations: Locations,
        latents: Mapping[str, Latents],
        *,
        reference: Tensor,
        inset_references: Mapping[str, Tensor],
        interiors: Mapping[str, Tensor],
        perceptual: Perceptual | None = None,
    ) -> "View":
        """Put a state together.

        Args:
            canvas: I_A, [n, 3, H, W].
            insets: I_B by part, each [n, 3, h, w].
            locations: where the parts are.
            latents: by `CANVAS` and part.
            reference: the canvas that L_body holds on to.
            inset_references: the insets that L_face holds on to.
            interiors: R^I by part.
            perceptual: gives features; None when no term asks for them.
        """
        held = CanvasImage(reference, perceptual)
        drawn, inset_held = (InsetImages(x, locations.regions, perceptual) for x in (insets, inset_references))
        inset_view = InsetView(drawn, locations, inset_held, interiors)
        return cls(CanvasView(canvas, locations, held, perceptual), inset_view, latents)

    @property
    def locations(self) -> Locations:
        """Where the parts are."""
        return self.canvas.locations

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts."""
        return tuple(self.locations.regions)

    def drawn(self, canvas: Tensor | None = None, insets: Mapping[str, Tensor] | None = None) -> "View":
        """The state with a new image of the canvas, of the insets, or of both."""
        view = self
        if canvas is not None:
            view = replace(view, canvas=replace(view.canvas, image=canvas))
        if insets is not None:
            view = replace(view, insets=replace(view.insets, drawn=replace(view.insets.drawn, images=insets)))
        return view

    def moved(self, locations: Locations) -> "View":
        """The state with the parts elsewhere."""
        canvas, insets = replace(self.canvas, locations=locations), replace(self.insets, locations=locations)
        return replace(self, canvas=canvas, insets=insets)

    def holding(self, *, canvas: bool, insets: bool) -> "View":
        """The state in which L_body, L_face or both hold on to what is drawn now."""
        view = self
        if canvas:
            held = CanvasImage(self.canvas.image.detach(), self.canvas.perceptual)
            view = replace(view, canvas=replace(view.canvas, reference=held))
        if insets:
            images = {part: image.detach() for part, image in self.insets.images.items()}
            view = replace(view, insets=replace(view.insets, reference=replace(self.insets.drawn, images=images)))
        return view


def _describe(perceptual: Perceptual | None, images: Tensor) -> Features:
    if perceptual is None:
        raise ValueError("a perceptual term needs a perceptual network, and none was given")
    return describe(perceptual, images)


def _reduced(canvas: Tensor) -> Tensor:
    """The canvas at about `BODY_HEIGHT` rows, by means of blocks of whole pixels; a smaller one as it is."""
    return functional.avg_pool2d(canvas, max(1, canvas.shape[2] // BODY_HEIGHT))
