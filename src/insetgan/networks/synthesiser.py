"""What the refinement asks of a generator; `networks.Generator` answers it, and so does any toy that does."""

from typing import Any, Protocol

from torch import Tensor


class LatentMapper(Protocol):
    """The mapping of a generator, from z to its latents."""

    @property
    def w_avg(self) -> Tensor:
        """Mean of w, [w_dim]."""
        ...

    def __call__(self, z: Tensor, *, truncation_psi: float) -> Tensor:
        """Map z [n, z_dim] to ws [n, num_ws, w_dim]."""
        ...


class Synthesiser(Protocol):
    """Draws images from latents of one vector a layer; the caller freezes its weights."""

    @property
    def height(self) -> int:
        """Rows of its images."""
        ...

    @property
    def width(self) -> int:
        """Columns of its images."""
        ...

    @property
    def z_dim(self) -> int:
        """Length of z."""
        ...

    @property
    def num_ws(self) -> int:
        """Layers that take a vector."""
        ...

    @property
    def w_dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def mapping(self) -> Any:
        """A `LatentMapper`; Any, because a module's call has no type of its own."""
        ...

    def draw(self, ws: Tensor) -> Tensor:
        """Draw ws [n, num_ws, w_dim] without anything random: [n, 3, height, width], nominally in [-1, 1]."""
        ...
