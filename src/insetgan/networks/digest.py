"""What a network's weights are known by, in whatever file they came."""

from typing import Any

from insetgan.runtime.tensors import tensors_digest


def network_digest(network: Any) -> str:
    """SHA-256 of the names, shapes and values of a network's tensors, in whatever form of file they came."""
    tensors = {name: tensor.detach().float().cpu() for name, tensor in network.state_dict().items()}
    return tensors_digest(tensors)
