"""Photographs, and rendered people with their boxes."""

from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from PIL import Image

from insetgan.data.archive import PEOPLE, Archive


@pytest.fixture(scope="session")
def astronaut():
    """The portrait that scikit-image's wheel holds, uint8 [3, 512, 512]."""
    path = Path(skimage.__file__).parent / "data" / "astronaut.png"
    return torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)


@pytest.fixture(scope="session")
def rendered():
    """The first twelve rendered people at four times their size, uint8 [3, 1024, 512], with their boxes at that size."""
    archive = Archive(PEOPLE)
    found = []
    for index in range(12):
        image = Image.fromarray(archive.image(index)).resize((512, 1024), Image.Resampling.BICUBIC)
        boxes = {part: box and tuple(4 * each for each in box) for part, box in archive.boxes(index).items()}
        found.append((torch.from_numpy(np.array(image)).permute(2, 0, 1), boxes))
    return found
