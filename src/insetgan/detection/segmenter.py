"""What belongs to a part, pixel by pixel: the protocol, PartsNet's masks, and a network of the user's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from insetgan.detection.parts_net import PartsNet
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import files_of
from insetgan.runtime.paths import read_path
from insetgan.weights.script import load_script


class Segmenter(Protocol):
    """What outlines parts. All parts of one image come from one call."""

    def segment(self, images: Tensor) -> Mapping[str, Tensor]:
        """Outline every part it knows in images [n, 3, H, W] in [-1, 1].

        Returns:
            By the name of the part [n, 1, H, W], how much of each pixel belongs to it, 0..1.
        """
        ...

    def files(self) -> Sequence[Path]:
        """The files that it reads; see `runtime.fingerprint`."""
        ...


class PartsSegmenter:
    """Outlines the parts of rendered people, and of images that look like them.

    Args:
        network: a trained PartsNet with masks, which says what parts it knows.

    Raises:
        UserError: the network has no masks.
    """

    def __init__(self, network: PartsNet) -> None:
        if network.masks is None:
            raise UserError(
                "segmenter.network: this PartsNet has no masks; python train.py +model=parts init=<its file> "
                "init_strict=false model.module.only=masks adds them"
            )
        self.network = network

    def files(self) -> Sequence[Path]:
        """The network's file."""
        return files_of(self.network)

    @torch.no_grad()
    def segment(self, images: Tensor) -> dict[str, Tensor]:
        """Outline all parts in images [n, 3, H, W] in [-1, 1] with one pass, in full precision under autocast too."""
        with torch.autocast(images.device.type, enabled=False):
            masks = self.network.segment(images.float())
        return {name: masks[:, index : index + 1] for index, name in enumerate(self.network.parts)}


class ScriptedSegmenter:
    """Outlines what a network of the user's own knows, such as one of faces or of clothes.

    Args:
        path: TorchScript that maps float images [n, 3, h, w] in [-1, 1] to logits [n, classes, h', w'] of any size.
        classes: by part, the number of the class that it consists of, or several; their probabilities are added.
        size: (height, width) that images are resampled to first; None leaves them as they are.
        trust: whether the file may be run; TorchScript is a program (see `weights.script.load_script`).

    Raises:
        UserError: no such file, not trusted, it is not TorchScript, no classes, a class below 0, or a size that is none.
    """

    def __init__(
        self,
        path: str | Path | None,
        classes: Mapping[str, int | Sequence[int]] | None,
        size: Sequence[int] | None = None,
        trust: bool = False,
    ) -> None:
        if path is None or not classes:
            raise UserError("segmenter: needs path=, a TorchScript file, and classes=, the class numbers of each part")
        if not isinstance(classes, Mapping):
            raise UserError(f"segmenter.classes={classes}: must be a class number, or several, by part")
        if size is not None and (isinstance(size, (str, int)) or any(type(side) is not int for side in size)):
            raise UserError(f"segmenter.size={size}: must be height and width, whole numbers")
        self.path = read_path(path, key="segmenter.path")
        self.classes = {part: _numbers(part, given) for part, given in classes.items()}
        self.size = None if size is None else tuple(size)
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise UserError(f"segmenter.size={list(self.size)}: must be height and width, both 1 or more")
        self.network = load_script(self.path, key="segmenter", trust=trust)

    def files(self) -> Sequence[Path]:
        """The TorchScript file."""
        return [self.path]

    @torch.no_grad()
    def segment(self, images: Tensor) -> dict[str, Tensor]:
        """Outline the parts that have classes, in full precision under autocast too.

        Raises:
            UserError: the network gives something else than logits of enough classes, or fails.
        """
        size = images.shape[-2:]
        with torch.autocast(images.device.type, enabled=False):
            chances = self._logits(images.float()).softmax(dim=1)
            masks = [chances[:, numbers].sum(dim=1, keepdim=True) for numbers in self.classes.values()]
            resampled = _resample(torch.cat(masks, dim=1), (size[0], size[1])).clamp(0, 1)
        return {part: resampled[:, index : index + 1] for index, part in enumerate(self.classes)}

    def _logits(self, images: Tensor) -> Tensor:
        """What the network gives, float [n, classes, h', w'] with enough classes."""
        given = images if self.size is None else _resample(images, (self.size[0], self.size[1]))
        try:
            logits = self.network(given)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise UserError(
                f"segmenter.path={self.path}: fails on images {list(given.shape)}; segmenter.size= resamples them ({reason})"
            ) from error
        if not isinstance(logits, Tensor) or logits.ndim != 4 or len(logits) != len(images) or 0 in logits.shape:
            found = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise UserError(
                f"segmenter.path={self.path}: gives {found} for {len(images)} images, must give logits [n, classes, h, w]"
            )
        for part, numbers in self.classes.items():
            if max(numbers) >= logits.shape[1]:
                raise UserError(
                    f"segmenter.classes.{part}={numbers}: the network has classes 0 to {logits.shape[1] - 1} only"
                )
        return logits.float()


def _numbers(part: str, given: int | Sequence[int]) -> list[int]:
    """Numbers of classes as a list, each once."""
    numbers: list[Any] = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    if not numbers or any(type(number) is not int or number < 0 for number in numbers):
        raise UserError(f"segmenter.classes.{part}={given}: must be a class number of 0 or more, or a list of them")
    return sorted(set(numbers))


def _resample(images: Tensor, size: tuple[int, int]) -> Tensor:
    if images.shape[-2:] == size:
        return images
    return functional.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
