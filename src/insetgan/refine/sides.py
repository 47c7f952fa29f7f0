"""The two sides of the optimisation."""

from typing import Literal

Side = Literal["canvas", "inset"]
"""Whose latents are being updated: the canvas generator's (w_A), or the inset generators' (w_B)."""

SIDES: tuple[Side, ...] = ("canvas", "inset")
