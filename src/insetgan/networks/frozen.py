"""Weights that nothing trains."""

from typing import TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


def as_buffers(module: M) -> M:
    """Turn all parameters into buffers of the same names, in evaluation mode: no optimiser and no DDP sees them."""
    for part in module.modules():
        for name, parameter in list(part.named_parameters(recurse=False)):
            delattr(part, name)
            part.register_buffer(name, parameter.detach().clone())
    return module.eval()
