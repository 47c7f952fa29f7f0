import pytest
import torch

from insetgan.inversion.encoder import encoder_for
from insetgan.networks import Generator


def tiny_generator(seed=0, **changes):
    torch.manual_seed(seed)
    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128, "channel_max": 8}
    return Generator(height=16, width=16, **(shape | changes)).eval().requires_grad_(False)


@pytest.fixture(scope="session")
def generator():
    return tiny_generator()


@pytest.fixture
def encoder(generator):
    torch.manual_seed(1)
    return encoder_for(generator, rows=16, channels=8, channels_max=16, hidden=16, passes=2).eval()
