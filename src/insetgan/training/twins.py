"""What stands in for the networks in the main phases: themselves, compiled twins, or CUDA graphs of their calls."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from insetgan.networks.remembered import computed_anew
from insetgan.training.phases import Phase

Networks = dict[str, Callable[..., Any]]
"""The synthesis and the discriminator, by name."""


class Twins:
    """The networks of a phase, so that a phase need not know how they are computed.

    A generator of StyleGAN2's kind makes some hundred short operations, and on a fast GPU it takes longer to start them than
    to compute them. Compiled twins make fewer, CUDA graphs start all at once. Neither is used in a phase that is
    differentiated twice.

    Args:
        networks: what a phase calls most, by name.
        compile: use `torch.compile`.
        graphs: record each call on its first use as a CUDA graph, and replay it from then on; on a CPU of no effect.
    """

    def __init__(
        self, networks: Mapping[str, Callable[..., Any]], *, compile: bool = False, graphs: bool = False
    ) -> None:
        self.networks, self.graphs = dict(networks), graphs
        self._compiled = {name: torch.compile(each) for name, each in self.networks.items()} if compile else {}
        self._recorded: dict[tuple[Any, ...], nn.Module] = {}

    def of(self, phase: Phase, device: torch.device) -> Networks:
        """What a phase calls in one round of its batch, by name."""
        if phase.regularises:
            return dict(self.networks)
        if self.graphs and device.type == "cuda":
            return {
                name: RecordedCalls(each, (phase.name, name), self._recorded) for name, each in self.networks.items()
            }
        return self.networks | self._compiled


class RecordedCalls:
    """The calls that a phase makes of a network, each of which has a CUDA graph of its own.

    The first call of a phase is one graph, its second another, since a replay overwrites what the backward pass of the call
    before still needs.

    Args:
        function: what is called: a network, or a method of one.
        key: names the phase and the function.
        recorded: the graphs so far, by key, number of the call, and shapes.
    """

    def __init__(
        self, function: Callable[..., Any], key: tuple[str, ...], recorded: dict[tuple[Any, ...], nn.Module]
    ) -> None:
        self.function, self.key, self.recorded = function, key, recorded
        self.calls = 0

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Replay this call; record it if it is new.

        Args:
            arguments: tensors, of the same shapes and types in every step; anything else must stay the same.
            options: likewise.
        """
        given: dict[int | str, Any] = dict(enumerate(arguments))
        given.update(options)
        tensors = {name: each for name, each in given.items() if isinstance(each, Tensor)}
        rest = {name: each for name, each in given.items() if name not in tensors}
        shapes = tuple((name, each.shape, each.dtype, each.requires_grad) for name, each in tensors.items())
        key = (*self.key, self.calls, shapes, tuple(rest.items()), torch.is_grad_enabled())
        self.calls += 1
        if key not in self.recorded:
            self.recorded[key] = _record(_Call(self.function, tuple(tensors), rest), tuple(tensors.values()))
        return self.recorded[key](*tensors.values())


class _Call(nn.Module):
    """A call in which all but its tensors is fixed; a module, so that recording finds the parameters."""

    def __init__(self, function: Callable[..., Any], names: tuple[int | str, ...], rest: dict[int | str, Any]) -> None:
        super().__init__()
        self.owner = getattr(function, "__self__", function)
        self.names, self.rest = names, rest
        self.function = (function,)  # in a tuple, lest a network be registered twice

    def forward(self, *tensors: Tensor) -> Any:
        """Call the function with these tensors in their places."""
        given = {**self.rest, **dict(zip(self.names, tensors, strict=True))}
        places = sorted(name for name in given if isinstance(name, int))
        options = {name: each for name, each in given.items() if isinstance(name, str)}
        return self.function[0](*(given[place] for place in places), **options)


def _record(call: _Call, tensors: tuple[Tensor, ...]) -> nn.Module:
    """Record a call forward and backward, and leave buffers and random numbers as they were before the warm-up."""
    samples = tuple(each.detach().clone().requires_grad_(each.requires_grad) for each in tensors)
    buffers = [(each, each.clone()) for each in call.buffers()]
    precision, enabled = torch.get_autocast_dtype("cuda"), torch.is_autocast_enabled("cuda")
    with (
        computed_anew(),
        torch.random.fork_rng(),
        torch.autocast("cuda", dtype=precision, enabled=enabled, cache_enabled=False),
    ):
        made: Any = torch.cuda.make_graphed_callables(call, samples, allow_unused_input=True)
    with torch.no_grad():
        for buffer, before in buffers:
            buffer.copy_(before)
    recorded: nn.Module = made
    return recorded
