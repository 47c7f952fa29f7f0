"""Several processes that train one model: what they exchange, and a strategy that leaves the rest alone."""

from collections.abc import Iterable

import torch
import torch.distributed as distributed
from torch import Tensor, nn

from insetgan.runtime.lightning import DDPStrategy


class PhaseDDP(DDPStrategy):
    """Lightning's DDP without the wrapper round the module.

    A phase of GAN training gives gradients to one of the two networks, and each network is called several times before
    a step. The wrapper would have to search for unused parameters after every call. Here the module itself averages what
    a phase has left (`average_gradients`), in one exchange; processes, devices and samplers are the Trainer's.
    """

    def configure_ddp(self) -> None:
        """Start from the same weights everywhere; nothing is wrapped."""
        assert self.model is not None
        broadcast_state(self.model)


def world_size() -> int:
    """Processes of this run."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


@torch.no_grad()
def broadcast_state(module: nn.Module) -> None:
    """Give every process the weights and buffers of the first."""
    for tensor in module.state_dict().values():
        distributed.broadcast(tensor, 0)


@torch.no_grad()
def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Average gradients over all processes, and make them finite: not a number becomes 0, infinity 1e5.

    Short floats overflow now and then; a step must not spoil the weights for that (Karras et al. 2020, ADA). A loss that
    is not finite stops the run nevertheless (`meter.Meter`).

    Args:
        parameters: those without a gradient are left out; they must be the same in every process.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    if world_size() > 1:
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= world_size()
        pieces = torch.split(flat, [gradient.numel() for gradient in gradients])
        torch._foreach_copy_(
            gradients, [piece.view_as(gradient) for piece, gradient in zip(pieces, gradients, strict=True)]
        )
    for gradient in gradients:
        torch.nan_to_num(gradient, nan=0.0, posinf=1e5, neginf=-1e5, out=gradient)


def mean_over_processes(value: Tensor) -> Tensor:
    """Mean of a tensor over all processes."""
    return value if world_size() == 1 else sum_over_processes(value) / world_size()


def sum_over_processes(value: Tensor) -> Tensor:
    """Sum of a tensor over all processes."""
    if world_size() == 1:
        return value
    total = value.clone()
    distributed.all_reduce(total)
    return total


def largest_over_processes(value: Tensor) -> Tensor:
    """Elementwise maximum of a tensor over all processes."""
    if world_size() == 1:
        return value
    largest = value.clone()
    distributed.all_reduce(largest, distributed.ReduceOp.MAX)
    return largest


class Agreement:
    """Lets processes agree on small whole numbers on the host, without waiting for a device."""

    def __init__(self) -> None:
        self._group = distributed.new_group(backend="gloo") if world_size() > 1 else None

    def largest(self, value: int) -> int:
        """The largest of all processes' values."""
        if self._group is None:
            return value
        shared = torch.tensor(value)
        distributed.all_reduce(shared, distributed.ReduceOp.MAX, group=self._group)
        return int(shared)
