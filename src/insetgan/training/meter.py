"""Means of training scalars over a tick, kept on the device."""

import torch
from torch import Tensor

from insetgan.runtime.errors import UserError
from insetgan.runtime.processes import largest_over_processes, sum_over_processes, world_size


class NotFiniteError(UserError):
    """A loss became infinite or not a number; the message names the phase and the step."""


class Meter:
    """Sums scalars without waiting for the device, and remembers the first loss that was not finite."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._broken: dict[str, Tensor] = {}

    def add(self, name: str, values: Tensor) -> None:
        """Add values of any shape to a mean."""
        values = values.detach().float()
        total = values.sum() if values.dim() else values
        self._sums[name] = self._sums[name] + total if name in self._sums else total
        self._counts[name] = self._counts.get(name, 0) + values.numel()

    def check(self, phase: str, loss: Tensor, *, step: int, nimg: int) -> None:
        """Note whether a loss is finite; alone on the CPU raise at once, elsewhere at the next `verify`, in every process.

        Raises:
            NotFiniteError: it is not.
        """
        loss = loss.detach()
        if loss.device.type == "cpu" and world_size() == 1:
            if not bool(torch.isfinite(loss)):
                raise _not_finite(phase, step, nimg)
            return
        first = self._broken.setdefault(phase, torch.full((2,), -1, dtype=torch.long, device=loss.device))
        bad = ~torch.isfinite(loss) & (first[0] < 0)
        self._broken[phase] = torch.where(
            bad, torch.stack([torch.full_like(first[0], each) for each in (step, nimg)]), first
        )

    def verify(self) -> None:
        """Wait for the device and ask what `check` noted in any process.

        Raises:
            NotFiniteError: a loss was not finite.
        """
        for phase, first in self._broken.items():
            step, nimg = largest_over_processes(first).tolist()
            if step >= 0:
                raise _not_finite(phase, step, nimg)

    def means(self) -> dict[str, float]:
        """The means over all processes since the last call, by name; starts afresh.

        Raises:
            NotFiniteError: a loss noted by `check` was not finite.
        """
        self.verify()
        if not self._sums:
            return {}
        means = [total / self._counts[name] for name, total in self._sums.items()]
        values = (sum_over_processes(torch.stack(means)) / world_size()).tolist()
        names, self._sums, self._counts = list(self._sums), {}, {}
        return dict(zip(names, values, strict=True))


def _not_finite(phase: str, step: int, nimg: int) -> NotFiniteError:
    return NotFiniteError(
        f"the loss of phase {phase} is not finite at step {step} ({nimg / 1000:.3f} kimg): "
        "lower lr, raise gamma or use trainer.precision=32-true"
    )
