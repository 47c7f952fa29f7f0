"""The pipeline against numbers of the public implementation (tests/assets/parity/README.md)."""

from pathlib import Path

import numpy as np
import pytest
import torch

from insetgan.training.augment import AugmentPipe
from insetgan.training.augment.table import NORMAL

with np.load(Path(__file__).parents[2] / "assets" / "parity" / "ada_percentile.npz") as archive:
    VALUES = {key: torch.from_numpy(archive[key]) for key in archive.files}
CASES = [key.removeprefix("out/") for key in VALUES if key.startswith("out/")]


def uniforms_at(pipe, q):
    """All gates open and all values at a percentile, as the public implementation's debugging option has it."""
    uniforms = torch.full((pipe.columns,), q)
    for variable in pipe.table.variables:
        gate, columns = pipe.table.columns_of(variable.name)
        uniforms[gate] = 1e-6
        if variable.kind == NORMAL:  # that option leaves out the normal quantile's factor sqrt(2)
            uniforms[list(columns)] = torch.special.ndtr(torch.erfinv(torch.tensor(2 * q - 1)))
        if variable.name == "rotate_after":  # and it never rotates after stretching
            uniforms[list(columns)] = 0.5
    return uniforms


def test_the_file_holds_all_cases():
    assert len(CASES) == 20


@pytest.mark.parametrize("case", CASES)
def test_parity(case):
    name, q, shape = case.split("/")
    images = VALUES[f"in/{shape}"]
    pipe = AugmentPipe(name)
    augmented = pipe(images, torch.tensor(1.0), uniforms_at(pipe, float(q)).expand(len(images), -1))
    assert (augmented - images).abs().mean() > 0.1
    assert (augmented - VALUES[f"out/{case}"]).abs().mean() < 1e-5  # a hundredth of what would do
