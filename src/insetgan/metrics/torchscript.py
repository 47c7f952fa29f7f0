"""Feature networks from TorchScript files, a user's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from insetgan.metrics.features import Frozen
from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import read_path
from insetgan.weights.script import load_script

Values = Literal["bytes", "unit", "signed", "imagenet"]
_PROBE = 256  # side of the image by which a network that takes any size is tried
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's images, as torchvision has them


class TorchScriptFeatures(Frozen):
    """A TorchScript network of the user's, images in, [n, d] or [n, d, 1, 1] out.

    It is run once to find out d. Distances by it are called FD and KD: only the user knows what network it is.

    Args:
        path: of the file.
        size: (height, width) to which images are resized before, bicubic and antialiased; None leaves them as they are.
        values: what the network takes: "bytes", uint8 0 to 255; "unit", float 0 to 1; "signed", float -1 to 1; "imagenet",
            float less ImageNet's mean, over its deviation.
        trust: whether the file may be run; TorchScript is a program (see `weights.script.load_script`).

    Raises:
        UserError: no path or file, not trusted, not TorchScript, other values or sizes, or it gives something else than
            features.
    """

    def __init__(
        self, path: str | Path | None, size: Sequence[int] | None = None, values: Values = "signed", trust: bool = False
    ) -> None:
        super().__init__()
        if path is None:
            raise UserError(
                "features.path: must be a TorchScript file that turns images [n, 3, h, w] into features [n, d]"
            )
        if values not in get_args(Values):
            raise UserError(f"features.values={values}: must be one of {', '.join(get_args(Values))}")
        self.path, self.values, self.size = read_path(path, key="features.path"), values, _checked(size)
        self.name, self.title = f"torchscript_{self.path.stem}", self.path.stem
        self.network = load_script(self.path, key="features", trust=trust)
        self.num_features = 0
        self.eval()
        self.num_features = self(torch.zeros(2, 3, _PROBE, _PROBE, dtype=torch.uint8)).shape[1]

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Describe images uint8 [n, 3, h, w]: float32 [n, num_features].

        Raises:
            UserError: the network fails, or gives something else.
        """
        with torch.autocast(images.device.type, enabled=False):
            given = self._given(images)
            try:
                features = self.network(given)
            except RuntimeError as error:
                reason = str(error).strip().splitlines()[-1]
                raise UserError(
                    f"features.path={self.path}: fails on images {list(given.shape)}; features.size= resizes them and "
                    f"features.values= sets their range ({reason})"
                ) from error
        if isinstance(features, Tensor) and features.shape[2:].numel() == 1 and features.ndim > 2:
            features = features.flatten(1)
        wanted = self.num_features or "d"
        if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != len(images):
            found = list(features.shape) if isinstance(features, Tensor) else type(features).__name__
            raise UserError(
                f"features.path={self.path}: gives {found} for {len(images)} images, must give [{len(images)}, {wanted}]"
            )
        return features.float()

    def _given(self, images: Tensor) -> Tensor:
        given = images
        if self.size is not None and images.shape[2:] != self.size:
            given = functional.interpolate(
                images.float(), self.size, mode="bicubic", antialias=True, align_corners=False
            ).clamp(0, 255)
        if self.values == "bytes":
            return given if given.dtype == torch.uint8 else given.round().to(torch.uint8)
        unit = given.float() / 255
        if self.values == "imagenet":
            return (unit - unit.new_tensor(_MEAN).view(3, 1, 1)) / unit.new_tensor(_DEVIATION).view(3, 1, 1)
        return unit if self.values == "unit" else unit * 2 - 1


def _checked(size: Sequence[int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    if isinstance(size, (str, int)) or len(size) != 2 or any(type(side) is not int or side < 1 for side in size):
        raise UserError(f"features.size={size}: must be [height, width], whole numbers of 1 or more")
    return size[0], size[1]
