"""Photographs made on the spot: rendered people in scenes, and a finder that is told what there is."""

from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from PIL import Image

from insetgan.data.archive import PEOPLE, Archive
from insetgan.detection.people import PhotoPeople

SCENES = Path(skimage.__file__).parent / "data"


@pytest.fixture(scope="session")
def scene():
    """Paint a photograph: scene(index, scale=2, size=(640, 480), at=(60, 100)) -> uint8 [h, w, 3].

    The rendered person of that index, enlarged, in front of a photograph or of `on`, at (row, column).
    """
    archive = Archive(PEOPLE)
    behind = Image.open(SCENES / "coffee.png").convert("RGB")

    def paint(index, *, scale=2, size=(640, 480), at=(60, 100), on=None):
        person = archive.image(index)
        whole = Image.fromarray(person).resize((128 * scale, 256 * scale), Image.Resampling.BICUBIC)
        (found,) = PhotoPeople().find(torch.from_numpy(np.array(whole)).permute(2, 0, 1), "")
        mask = (found.mask > 0.5).numpy()
        photo = np.array(behind.resize((size[1], size[0]))) if on is None else on.copy()
        there = photo[at[0] : at[0] + mask.shape[0], at[1] : at[1] + mask.shape[1]]
        cut = mask[: there.shape[0], : there.shape[1]]
        there[cut] = np.array(whole)[: there.shape[0], : there.shape[1]][cut]
        return photo

    return paint
