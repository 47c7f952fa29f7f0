"""How images of all kinds become RGB: what lies behind transparent ones, and whether grey ones are taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import ImageColor

from insetgan.runtime.errors import UserError

GREY, CROP = ("refuse", "rgb"), ("none", "center", "fit")
BACKGROUND = "white"

KINDS = {
    "alpha": "with transparent pixels are laid over {background}",
    "grey": "are greyscale and become RGB{grey}",
    "cmyk": "are CMYK and become RGB without a colour profile, so that their colours are approximate",
    "deep": "have 16 bits a colour, of which 8 are kept",
    "palette": "have a palette and become RGB",
    "animated": "are animations, of which the first frame is taken",
}
"""What is changed on reading, by its name in `image.Facts`; see `Reading.change`."""


@dataclass(frozen=True)
class Reading:
    """How an archive's images become RGB.

    Attributes:
        background: what is laid behind transparent images, and beside those that `crop=fit` pads: the name of a colour of
            CSS, "#rrggbb", or [red, green, blue] of 0..255.
        grey: `refuse` greyscale images, or take them as `rgb` of three equal colours.

    Raises:
        UserError: no such colour or choice.
    """

    background: Any = BACKGROUND
    grey: str = "refuse"

    def __post_init__(self) -> None:
        """Refuse what is no colour and no choice."""
        _ = self.colour
        if self.grey not in GREY:
            raise UserError(f"data.grey={self.grey}: must be one of {', '.join(GREY)}")

    @property
    def colour(self) -> tuple[int, int, int]:
        """The background's red, green and blue, 0..255."""
        given = self.background
        if isinstance(given, str):
            try:
                found = ImageColor.getrgb(given) if len(given) <= 40 else ()
            except ValueError:
                found = ()
        else:
            found = tuple(given) if isinstance(given, Sequence) else ()
        if len(found) != 3 or any(type(value) is not int or not 0 <= value <= 255 for value in found):
            raise UserError(
                f"data.background={given}: must be the name of a colour such as white, '#rrggbb', or [red, green, blue] of "
                "0 to 255"
            )
        return found[0], found[1], found[2]

    def change(self, kind: str, *, key: str = "data.") -> str:
        """What is changed on reading images of a kind, as a line about "N images" says it.

        Args:
            kind: of `KINDS`.
            key: what stands before the settings of reading in this command; without one greyscale is always taken.
        """
        background = f"{key}background={self.colour_name}"
        return KINDS[kind].format(background=background, grey=f" ({key}grey=rgb)" if key else "")

    @property
    def colour_name(self) -> str:
        """The background for messages."""
        return str(self.background) if isinstance(self.background, str) else "[{},{},{}]".format(*self.colour)


PLAIN = Reading()
"""As everything is read unless another way is given."""


def check_crop(crop: str) -> None:
    """Refuse a way to crop that there is not.

    Raises:
        UserError: naming it.
    """
    if crop not in CROP:
        raise UserError(f"data.crop={crop}: must be one of {', '.join(CROP)}")
