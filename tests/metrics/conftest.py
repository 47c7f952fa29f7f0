"""Images for judges."""

import pytest
import torch

from insetgan.data.archive import PEOPLE, Archive


@pytest.fixture(scope="session")
def people_images():
    """The first two rendered people, uint8 [2, 3, 256, 128]."""
    archive = Archive(PEOPLE)
    return torch.stack([torch.from_numpy(archive.image(index)).permute(2, 0, 1) for index in range(2)])
