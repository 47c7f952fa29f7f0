"""What an artist asks for: the settings of one composition, as choices of refine.py."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import field, fields
from typing import Annotated, Literal, get_args

from pydantic import Field

from insetgan.runtime.errors import UserError
from insetgan.runtime.settings import read, settings

Mode = Literal["joint", "body_for_part", "montage", "part"]
Preset = Literal["none", "official", "stylegan_human"]
PartGroup = Literal["face", "hands", "feet"]
MODES: tuple[str, ...] = get_args(Mode)
PRESETS: tuple[str, ...] = get_args(Preset)
PARTS: tuple[str, ...] = get_args(PartGroup)

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


@settings(kw_only=True)
class Wish:
    """The settings of one composition.

    Each of them is a setting of refine.py, so that a command line says the same; see `overrides`.
    """

    body: Annotated[Seed, Field(description="seed of the canvas, and of all parts without a seed of their own")] = 0
    face: Annotated[Seed | None, Field(description="seed of the face; null is that of the body")] = None
    psi: Annotated[float, Field(ge=0, le=2, description="truncation of the start latents")] = 0.7
    mode: Annotated[Mode, Field(description="what is optimised")] = "joint"
    parts: Annotated[list[PartGroup], Field(min_length=1, max_length=3, description="the insets")] = field(
        default_factory=lambda: ["face"]
    )
    preset: Annotated[Preset, Field(description="settings of a published script")] = "none"
    steps: Annotated[int | None, Field(ge=1, le=5000, description="updates; null is as many as refine.py takes")] = None
    film: Annotated[bool, Field(description="record the optimisation")] = False

    def overrides(self, pictures: Mapping[str, str] | None = None) -> list[str]:
        """The words of a command line of refine.py that ask for the same.

        Args:
            pictures: paths of own pictures, by "canvas" and "face"; they take the place of the seeds.
        """
        pictures = pictures or {}
        words = [f"mode={self.mode}", f"seeds={self.body}", "batch_size=1", f"trunc={self.psi:g}"]
        words += [f"parts=[{','.join(self.parts)}]"]
        if self.preset != "none":
            words.append(f"preset={self.preset}")
        if self.steps is not None:
            words.append(f"steps={self.steps}")
        if "canvas" in pictures:
            words.append(f"canvas.image={pictures['canvas']}")
        if "face" in self.parts:
            if "face" in pictures:
                words.append(f"parts.face.image={pictures['face']}")
            elif self.face is not None and self.face != self.body:
                words.append(f"parts.face.start={self.face}")
        return [*words, "video=true"] if self.film else words

    def query(self) -> str:
        """The settings that differ from the usual ones, as the query of an address, without its question mark."""
        usual, words = Wish(), []
        for each in fields(self):
            value = getattr(self, each.name)
            if value != getattr(usual, each.name):
                text = (
                    ",".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else value
                )
                words.append(f"{each.name}={str(text).lower()}")
        return "&".join(words)

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "Wish":
        """Read the settings of an address; what belongs to other programs is left alone.

        Raises:
            UserError: a value that is not allowed.
        """
        given: dict[str, object] = {}
        for each in fields(cls):
            text = query.get(each.name)
            if text is None:
                continue
            given[each.name] = _parsed(each.name, text)
        return read(cls, given)


def command(words: Sequence[str]) -> str:
    """The command line of these words, as a shell takes it."""
    return shlex.join(["python", "refine.py", *words])


def _parsed(name: str, text: str) -> object:
    if name in ("mode", "preset"):
        return text
    if name == "parts":
        return text.split(",")
    if name == "film":
        return {"true": True, "false": False}.get(text, text)
    try:
        return float(text) if name == "psi" else int(text)
    except ValueError as error:
        raise UserError(f"{name}={text[:40]}: must be a number") from error
