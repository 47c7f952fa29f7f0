"""The stages of the pipeline: geometry, colour, filtering and corruption (appendix B).

Each names its random variables and, where it does something, turns images [n, 3, h, w] and what was drawn for them into
images.
"""

import math

import torch
from torch import Tensor, nn

from insetgan.training.augment.matrices import (
    about_grey,
    colour_scaling,
    colour_shift,
    product,
    rotation,
    scaling,
    translation,
)
from insetgan.training.augment.settings import Settings
from insetgan.training.augment.sliding import reflected, slide, windows
from insetgan.training.augment.table import CENTRED, CHOICE, NORMAL, PLACE, SPREAD, Drawn, Variable
from insetgan.training.augment.warp import Warp
from insetgan.training.augment.wavelets import BANDS, filter_bank, toeplitz


class Stage(nn.Module):
    """One stage.

    Args:
        variables: its random variables, those of multiplier 0 among them.
    """

    def __init__(self, *variables: Variable) -> None:
        super().__init__()
        self.variables = variables

    @property
    def active(self) -> bool:
        """Whether it ever does anything."""
        return any(variable.multiplier > 0 for variable in self.variables)

    def where_done(self, drawn: Drawn, changed: Tensor, images: Tensor) -> Tensor:
        """Take changed images where anything was drawn, else the images themselves, exactly."""
        done = [drawn.done[variable.name] for variable in self.variables if variable.multiplier > 0]
        return torch.where(torch.stack(done).any(0)[:, None, None, None], changed, images)


class Geometry(Stage):
    """Pixel blitting and general geometric transformations, composed to one affine warp.

    Where shifts by whole pixels are all that can happen, pixels are looked up without the warp: the same images but for
    rounding, at a hundredth of the time.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            Variable("xflip", settings.xflip, CHOICE, 2),
            Variable("rotate90", settings.rotate90, CHOICE, 4),
            Variable("xint", settings.xint, CENTRED, settings.xint_max, count=2),
            Variable("scale", settings.scale, NORMAL, settings.scale_std),
            Variable("rotate_before", settings.rotate, CENTRED, settings.rotate_max * math.pi, either=True),
            Variable("aniso", settings.aniso, NORMAL, settings.aniso_std),
            Variable("rotate_after", settings.rotate, CENTRED, settings.rotate_max * math.pi, either=True),
            Variable("xfrac", settings.xfrac, NORMAL, settings.xfrac_std, count=2),
        )
        moving = {variable.name for variable in self.variables if variable.multiplier > 0}
        self.warp = Warp() if moving - {"xint"} else None

    def forward(self, images: Tensor, drawn: Drawn, noise: Tensor | None) -> Tensor:
        """Warp images."""
        height, width = images.shape[2:]
        inverse = self.inverse(drawn, height, width)
        moved = _shifted(images, inverse) if self.warp is None else self.warp(images, inverse)
        return self.where_done(drawn, moved, images)

    def inverse(self, drawn: Drawn, height: int, width: int) -> Tensor:
        """Maps [n, 3, 3] from places in the result to places in the image, in pixels from the centre."""
        result = None
        for variable in self.variables:
            if variable.multiplier > 0:
                step = _inverse_step(variable.name, drawn.values[variable.name].unbind(1), height, width)
                result = step if result is None else product(result, step)
        assert result is not None
        return result


def _shifted(images: Tensor, inverse: Tensor) -> Tensor:
    """Images [n, c, h, w] shifted by maps [n, 3, 3] in whole pixels, mirrored beyond the borders, as `Warp` does it."""
    for axis, row in ((3, 0), (2, 1)):
        length = images.shape[axis]
        places = torch.arange(length, device=images.device) + inverse[:, row, 2, None].round().long()
        period = 2 * (length - 1)
        index = torch.minimum(places % period, -places % period)
        shape = [len(images), 1, 1, 1]
        shape[axis] = length
        images = images.gather(axis, index.view(shape).expand_as(images))
    return images


def _inverse_step(name: str, values: tuple[Tensor, ...], height: int, width: int) -> Tensor:
    """Inverse of one transformation of the plane, [n, 3, 3]."""
    value = values[0]
    match name:
        case "xflip":
            return scaling(1 - 2 * value, torch.ones_like(value))
        case "rotate90":
            return rotation(value * (math.pi / 2))
        case "xint":
            return translation(-(values[0] * width).round(), -(values[1] * height).round())
        case "scale":
            return scaling((-value).exp2(), (-value).exp2())
        case "aniso":
            return scaling((-value).exp2(), value.exp2())
        case "xfrac":
            return translation(-values[0] * width, -values[1] * height)
        case _:
            return rotation(value)


class Colour(Stage):
    """Colour transformations, composed to one affine map of RGB."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            Variable("brightness", settings.brightness, NORMAL, settings.brightness_std),
            Variable("contrast", settings.contrast, NORMAL, settings.contrast_std),
            Variable("lumaflip", settings.lumaflip, CHOICE, 2),
            Variable("hue", settings.hue, CENTRED, settings.hue_max * math.pi),
            Variable("saturation", settings.saturation, NORMAL, settings.saturation_std),
        )

    def forward(self, images: Tensor, drawn: Drawn, noise: Tensor | None) -> Tensor:
        """Map the colours of images."""
        columns = self.matrix(drawn)[:, :3, :, None, None].unbind(2)
        # Elementwise: no autocast round a backward pass and no TF32 touches it, and the identity is exact.
        result = columns[3]
        for channel in range(3):
            result = torch.addcmul(result, columns[channel], images[:, channel : channel + 1])
        return result

    def matrix(self, drawn: Drawn) -> Tensor:
        """Maps [n, 4, 4] of homogeneous colours."""
        result = None
        for variable in self.variables:
            if variable.multiplier > 0:
                step = _colour_step(variable.name, drawn.values[variable.name][:, 0])
                result = step if result is None else product(step, result)
        assert result is not None
        return result


def _colour_step(name: str, value: Tensor) -> Tensor:
    """One transformation of colours, [n, 4, 4]."""
    one, zero = torch.ones_like(value), torch.zeros_like(value)
    match name:
        case "brightness":
            return colour_shift(value)
        case "contrast":
            return colour_scaling(value.exp2())
        case "lumaflip":
            return about_grey(1 - 2 * value, one, zero)
        case "hue":
            return about_grey(one, one, value)
        case _:
            return about_grey(one, value.exp2(), zero)


class Filter(Stage):
    """Image-space filtering: bands of frequencies are amplified or weakened, the expected power stays."""

    bank: Tensor

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            *(
                Variable(f"imgfilter{band}", settings.imgfilter * multiplier, NORMAL, settings.imgfilter_std)
                for band, multiplier in enumerate(settings.imgfilter_bands)
            )
        )
        self.register_buffer("bank", filter_bank().float(), persistent=False)

    def forward(self, images: Tensor, drawn: Drawn, noise: Tensor | None) -> Tensor:
        """Filter images that are mirrored at their borders."""
        taps = product(self.gains(drawn)[:, None], self.bank.to(images.dtype))[:, 0]
        reach = taps.shape[1] // 2
        result = images
        for axis in (3, 2):
            size = images.shape[axis]
            count, step = windows(size)
            extended = reflected(result, -reach, count * step + 2 * reach, axis=axis)
            result = slide(extended, toeplitz(taps, step), strides=(step, step), count=count, axis=axis)
            result = result.narrow(axis, 0, size)
        return self.where_done(drawn, result, images)

    def gains(self, drawn: Drawn) -> Tensor:
        """Amplification of the bands, [n, 4]."""
        result = None
        for band, variable in enumerate(self.variables):
            if variable.multiplier > 0:
                gain = drawn.values[variable.name][:, 0].exp2()
                # Natural images: power falls as 1 / f. The other bands give what this one takes.
                power = 10 / 13 if band == 0 else 1 / 13
                scale = (power * gain.square() + (1 - power)).rsqrt()
                gains = torch.stack([gain * scale if other == band else scale for other in range(BANDS)], dim=1)
                result = gains if result is None else result * gains
        assert result is not None
        return result


class Noise(Stage):
    """Additive noise, of a strength that is itself random."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(Variable("noise", settings.noise, SPREAD, settings.noise_std))

    def forward(self, images: Tensor, drawn: Drawn, noise: Tensor | None) -> Tensor:
        """Add noise to images."""
        assert noise is not None
        return torch.addcmul(images, drawn.values["noise"][:, :, None, None], noise.to(images.dtype))


class Cutout(Stage):
    """A rectangle is set to 0; it may stick out of the image."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(Variable("cutout", settings.cutout, PLACE, 1, count=2))
        self.size = settings.cutout_size

    def forward(self, images: Tensor, drawn: Drawn, noise: Tensor | None) -> Tensor:
        """Cut rectangles out of images."""
        x, y = (
            self._covered(centre, length)
            for centre, length in zip(drawn.values["cutout"].unbind(1), (images.shape[3], images.shape[2]), strict=True)
        )
        cut = x[:, None, None, :] & y[:, None, :, None] & drawn.done["cutout"][:, None, None, None]
        return images.masked_fill(cut, 0)

    def _covered(self, centre: Tensor, length: int) -> Tensor:
        """Pixels of a line [n, length] whose middle the rectangle covers, at a centre [n] in shares of the line."""
        middles = (torch.arange(length, device=centre.device, dtype=centre.dtype) + 0.5) / length
        return (middles - centre[:, None]).abs() < self.size / 2
