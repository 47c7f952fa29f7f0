"""Types that settings of several commands share."""

from typing import Annotated

from pydantic import Field

Psi = Annotated[float, Field(ge=0, le=2)]
"""Truncation: 0 gives the average image, 1 is off."""

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
"""Of numpy's RandomState."""

SeedText = str | int | list[int | str]
"""Seeds as `parse_seeds` reads them: 3, 0-7, or a list of such items."""
