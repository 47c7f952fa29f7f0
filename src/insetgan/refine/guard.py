"""What keeps a composer from the objective's empty minimum, where a part is erased and nothing has a border."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from insetgan.refine.latents import CANVAS, Latents
from insetgan.refine.objective import Objective
from insetgan.refine.terms.body import BodyL1
from insetgan.refine.terms.part import PartL1, PartPerceptual
from insetgan.refine.terms.term import Term
from insetgan.runtime.settings import settings

Weight = Annotated[float, Field(ge=0, le=1e6)]


@settings
class Guard:
    """Weights of what is added to the objective during the passes.

    The solver takes many small steps and stays near its start by itself. A network is free to go anywhere, and without a guard
    it learns within minutes to erase the face from both images, which the objective of `mode=joint` does not forbid.
    """

    part_l1: Annotated[Weight, Field(description="L_part, colours, where the mode has no term of the part")] = 4.0
    part_perceptual: Annotated[Weight, Field(description="the same, features")] = 2.0
    body_l1: Annotated[
        Weight, Field(description="L_body, colours, beside the objective's: a canvas is recoloured in a single pass")
    ] = 30.0
    near_canvas: Annotated[
        Weight, Field(description="mean square move of the canvas's vectors, in units of the spread of w")
    ] = 15.0
    near_inset: Annotated[Weight, Field(description="the same of the insets")] = 2.0

    def objective(self, objective: Objective, *, features: bool) -> Objective:
        """The objective with more of L_body, if it has that, and with L_part, if it has none.

        Args:
            objective: of the refinement.
            features: whether there is a perceptual network.
        """
        families = {term.family for term in objective.terms.values() if term.weight > 0}
        added: dict[str, Term] = {}
        if "body" in families:
            added["guard_body_l1"] = BodyL1(weight=self.body_l1, softness=0.05)
        if "part" not in families:
            added["guard_part_l1"] = PartL1(weight=self.part_l1, softness=0.05)
            if features:
                added["guard_part_perceptual"] = PartPerceptual(weight=self.part_perceptual)
        return Objective({**objective.terms, **added})

    def distance(
        self, latents: Mapping[str, Latents], starts: Mapping[str, Latents], spreads: Mapping[str, Tensor]
    ) -> Tensor:
        """Weighted mean square moves of all vectors from where they started, summed over the generators, [n]."""
        moved = []
        for name, codes in latents.items():
            weight = self.near_canvas if name == CANVAS else self.near_inset
            difference = (_vectors(codes) - _vectors(starts[name])) / spreads[name]
            moved.append(weight * difference.square().mean((1, 2)))
        return torch.stack(moved).sum(0)


def _vectors(codes: Latents) -> Tensor:
    """The vector of every layer, [n, num_ws, w_dim]."""
    found: Tensor = codes.generator.ws(codes.tensors)  # type: ignore[attr-defined]
    return found
