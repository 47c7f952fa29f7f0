"""The solver behind a Trainer: devices, precision, sharding and writers come from there."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
from torch import nn

from insetgan.losses.context import CANVAS
from insetgan.losses.perceptual import Perceptual
from insetgan.networks.generator import Generator
from insetgan.parts.part import Part
from insetgan.refine.latents import start_latents
from insetgan.refine.objective import Objective
from insetgan.refine.problem import Problem, Result, Step
from insetgan.refine.run_folder import RunFolder
from insetgan.refine.schedule import Schedule
from insetgan.refine.solver import refine


class RefinementModule(pl.LightningModule):
    """Refines blocks of seeds; a batch of the predict loop is a list of seeds.

    Args:
        canvas: draws I_A.
        parts: the insets, by name; their generators and detectors are moved with this module.
        objective: what to minimise.
        schedule: in which order and how fast.
        perceptual: features for the perceptual terms.
        trunc: psi of the start codes, 1 = off.
    """

    def __init__(
        self,
        canvas: Generator,
        parts: Mapping[str, Part],
        objective: Objective,
        schedule: Schedule,
        *,
        perceptual: Perceptual | None,
        trunc: float,
    ) -> None:
        super().__init__()
        self.canvas, self.parts = canvas, dict(parts)
        self.objective, self.schedule = objective, schedule
        self.perceptual, self.trunc = perceptual, trunc
        owners = [part.generator for part in self.parts.values()] + [part.detector for part in self.parts.values()]
        networks = [network for owner in [*owners, perceptual] if (network := _network(owner)) is not None]
        self.networks = nn.ModuleList(networks)  # so that the Trainer moves them to its device
        self.on_step: Callable[[Step], None] | None = None

    def predict_step(self, batch: Sequence[int], *_: Any) -> Result:
        """Refine one block of seeds."""
        generators = {CANVAS: self.canvas, **{name: part.generator for name, part in self.parts.items()}}
        starts = {name: start_latents(generator, batch, self.trunc) for name, generator in generators.items()}
        problem = Problem(self.canvas, self.parts, starts, self.perceptual)
        return refine(problem, self.objective, self.schedule, on_step=self.on_step)


class SampleWriter(pl.callbacks.BasePredictionWriter):
    """Writes every block as soon as it is done, so that a kill loses one block at most.

    Args:
        folder: where to.
    """

    def __init__(self, folder: RunFolder) -> None:
        super().__init__(write_interval="batch")
        self.folder = folder

    def write_on_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: Result,
        batch_indices: Sequence[int] | None,
        batch: Sequence[int],
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write the samples of the block that was refined."""
        self.folder.add(batch, prediction)


class StepProgress(pl.Callback):
    """Passes on how many steps of all blocks are done.

    Args:
        on_progress: called with the steps done and the steps in all.
        steps: of one block.
        done: blocks that were finished before.
        blocks: in all.
    """

    def __init__(self, on_progress: Callable[[int, int], None], *, steps: int, done: int, blocks: int) -> None:
        self.on_progress, self.steps, self.done, self.blocks = on_progress, steps, done, blocks

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen to the solver."""
        if isinstance(pl_module, RefinementModule):
            pl_module.on_step = self._step

    def on_predict_batch_end(self, *_: Any) -> None:
        """Count a block."""
        self.done += 1

    def _step(self, step: Step) -> None:
        self.on_progress(self.done * self.steps + step.index + 1, self.blocks * self.steps)


def _network(owner: object) -> nn.Module | None:
    if isinstance(owner, nn.Module):
        return owner
    inner = getattr(owner, "network", None)
    return inner if isinstance(inner, nn.Module) else None


def seed_blocks(seeds: Sequence[int], size: int) -> list[list[int]]:
    """Cut the seeds into blocks of `size`; a block is what is computed together, whatever is sharded or resumed."""
    return [list(seeds[start : start + size]) for start in range(0, len(seeds), size)]
