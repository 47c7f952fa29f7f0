"""The embedded detector: PartsNet as a `Detector`."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from insetgan.detection.detector import Detection
from insetgan.detection.parts_net import PartsNet
from insetgan.runtime.fingerprint import files_of


class PartsDetector:
    """Finds the parts of rendered people, and of images that look like them.

    Args:
        network: a trained PartsNet, which says what parts it knows.
    """

    def __init__(self, network: PartsNet) -> None:
        self.network = network
        self.names = network.parts

    def files(self) -> Sequence[Path]:
        """The network's file."""
        return files_of(self.network)

    @torch.no_grad()
    def detect(self, images: Tensor) -> dict[str, Detection]:
        """Find all parts in images [n, 3, H, W] in [-1, 1] with one pass, in full precision under autocast too."""
        with torch.autocast(images.device.type, enabled=False):
            output = self.network(images.float())
        return {
            name: Detection(output.boxes[:, index], output.scores[:, index]) for index, name in enumerate(self.names)
        }
