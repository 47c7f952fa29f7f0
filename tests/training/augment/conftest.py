"""Rows of random numbers that say what is done and with which values."""

import pytest
import torch


@pytest.fixture
def row():
    """row(pipe, n=1, **numbers): at p = 0.5 only the named variables are done, with these uniform numbers (one or several)."""

    def make(pipe, n=1, **numbers):
        uniforms = torch.full((n, pipe.columns), 0.9, dtype=torch.float64)
        for name, values in numbers.items():
            gate, columns = pipe.table.columns_of(name)
            uniforms[:, gate] = 0.1
            uniforms[:, list(columns)] = torch.as_tensor(values, dtype=torch.float64)
        return uniforms

    return make


@pytest.fixture
def half():
    return torch.tensor(0.5)


@pytest.fixture
def percentile():
    """percentile(z): where the standard normal distribution has the value z."""
    return lambda z: float(torch.special.ndtr(torch.tensor(float(z), dtype=torch.float64)))
