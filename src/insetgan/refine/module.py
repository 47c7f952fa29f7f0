"""The solver behind a Trainer: devices, precision, sharding and writers come from there."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from insetgan.detection.part import Part
from insetgan.detection.segmenter import Segmenter
from insetgan.networks.owned import move, owned_networks
from insetgan.networks.perceptual import Perceptual
from insetgan.networks.synthesiser import Synthesiser
from insetgan.ops.regions import Blend
from insetgan.refine.block_state import BlockState, FrameRecorder, PartialStore, block_key
from insetgan.refine.latents import CANVAS, Latents
from insetgan.refine.objective import Objective
from insetgan.refine.one_pass import OnePass
from insetgan.refine.problem import Problem, Result, Step
from insetgan.refine.ranking import best_rows
from insetgan.refine.schedule import Schedule
from insetgan.refine.sides import Side
from insetgan.refine.solver import refine
from insetgan.refine.starts import Start
from insetgan.runtime.fingerprint import ReadsFiles, files_of
from insetgan.runtime.lightning import pl


@dataclass(frozen=True)
class Plan:
    """Options for refining one sample.

    Attributes:
        starts: of each generator, by `CANVAS` and part name.
        spaces: in which their latents move, likewise; empty is the usual one of the generator.
        tries: initialisations a sample.
        keep: how many of their results are kept, the best ones.
        vary: the sides whose start differs from one initialisation to the next.
        region: what bounds R^I and R^O.
        blend: how insets are composed.
        references: images that L_body and L_part hold on to, by `CANVAS` and part name and by seed, each [3, h, w]; those
            of the start latents where absent.
    """

    starts: Mapping[str, Start]
    spaces: Mapping[str, str]
    tries: int = 1
    keep: int = 1
    vary: Sequence[Side] = ()
    region: Literal["box", "mask"] = "box"
    blend: Blend = "paste"
    references: Mapping[str, Mapping[int, Tensor]] = field(default_factory=dict)

    def origin(self, seed: int) -> str:
        """What decides the start of a sample, beside its seed and the settings; empty where nothing does."""
        found = {name: digest for name, start in self.starts.items() if (digest := start.digest(seed))}
        return json.dumps(found, sort_keys=True) if found else ""


@dataclass(frozen=True)
class Refined:
    """What comes of a block of seeds: the kept results, `keep` a seed, and the films of their optimisation."""

    result: Result
    films: Sequence[Sequence[Any]]


class RefinementModule(pl.LightningModule):
    """Refines blocks of seeds; a batch of the predict loop is a list of seeds.

    Args:
        canvas: draws I_A.
        parts: the insets, by name; their generators and detectors are moved with this module.
        objective: what to minimise.
        schedule: in which order and how fast.
        plan: options for refining one sample.
        perceptual: features for the perceptual terms.
        segmenter: gives masks, where the plan asks for them.
        one_pass: predicts the latents from which the steps go on.

    Attributes:
        on_step: called after each step of the solver.
        unfinished: keeps the state of unfinished blocks, from which they go on; None keeps none.
        say: told in one line when a block goes on, or cannot.
        sample_word: what the numbers of a block count.
        recorder: keeps frames of the optimisation; None for no films.
        images: what is known of given images, for who builds the module.
    """

    sample_word = "seed"

    def __init__(
        self,
        canvas: Synthesiser,
        parts: Mapping[str, Part],
        objective: Objective,
        schedule: Schedule,
        plan: Plan,
        *,
        perceptual: Perceptual | None,
        segmenter: Segmenter | None = None,
        one_pass: OnePass | None = None,
    ) -> None:
        super().__init__()
        self.canvas, self.parts = canvas, dict(parts)
        self.objective, self.schedule, self.plan = objective, schedule, plan
        self.perceptual, self.segmenter, self.one_pass = perceptual, segmenter, one_pass
        parted = [owner for part in self.parts.values() for owner in (part.generator, part.detector)]
        self._owners = [canvas, *parted, perceptual, segmenter, one_pass.composer if one_pass else None]
        # A list of modules, so that the Trainer moves them to its device.
        self.networks = nn.ModuleList([network for owner in self._owners for network in owned_networks(owner)])
        self.on_step: Callable[[Step], None] | None = None
        self.unfinished: PartialStore | None = None
        self.say: Callable[[str], None] = lambda line: None
        self.recorder: FrameRecorder | None = None
        self.images: Any = None

    def on_predict_start(self) -> None:
        """Move what is no network, such as a detector of the user's own, to the device."""
        for owner in self._owners:
            move(owner, self.device)

    def predict_step(self, batch: Sequence[int], *_: Any) -> Refined | None:
        """Refine one block of seeds; None for an empty one, which a process gets that has nothing to do."""
        if not batch:
            return None
        plan = self.plan
        starts = {name: self.starts(name, drawer, batch) for name, drawer in self.generators.items()}
        problem = replace(self.problem(starts), references=self.references(batch))
        recorder = self.recorder

        result = self.refine(batch, problem, self.schedule, recorder)
        if recorder is not None:
            recorder.finish(result)
        rows = best_rows(result, plan.tries, plan.keep)
        films = [recorder.frames(row) for row in rows.tolist()] if recorder else []
        return Refined(result.rows(rows.to(result.steps.device)), films)

    def refine(
        self, block: Sequence[int], problem: Problem, schedule: Schedule, recorder: FrameRecorder | None = None
    ) -> Result:
        """Refine a block, from where it was interrupted if it was, and keep its state until it is written."""
        state = self._block_state(block, recorder)
        listeners = [listener for listener in (recorder, state, self.on_step) if listener is not None]

        def on_step(step: Step) -> None:
            for listener in listeners:
                listener(step)

        before = state.read() if state is not None else None
        return refine(problem, self.objective, schedule, state=before, one_pass=self.one_pass, on_step=on_step)

    def on_predict_batch_end(self, outputs: Any, batch: Sequence[int], *_: Any) -> None:
        """Remove the state of a block. The callbacks, which write its samples, come before."""
        state = self._block_state(batch) if batch else None
        if state is not None:
            state.remove()

    def _block_state(self, block: Sequence[int], recorder: FrameRecorder | None = None) -> BlockState | None:
        if self.unfinished is None:
            return None
        depends = json.dumps([list(block), [self.origin(sample) for sample in block]])
        key = block_key(block, self.sample_word)
        return BlockState(self.unfinished, key, depends, recorder=recorder, say=self.say)

    def origin(self, sample: int) -> str:
        """What decides the start of a sample, beside its seed and the settings."""
        return self.plan.origin(sample)

    def files(self) -> list[Path]:
        """The files whose contents decide the results: weights of all networks, and what terms read."""
        terms = [term for term in self.objective.terms.values() if isinstance(term, ReadsFiles)]
        composer = self.one_pass.composer if self.one_pass else None
        return [*self.start_files(), *files_of(self.perceptual, self.segmenter, composer, *terms)]

    def start_files(self) -> list[Path]:
        """The files whose contents decide with which images a refinement begins."""
        owners = [part.generator for part in self.parts.values()] + [part.detector for part in self.parts.values()]
        return files_of(self.canvas, *owners)

    @property
    def generators(self) -> dict[str, Synthesiser]:
        """All generators, by `CANVAS` and part name."""
        return {CANVAS: self.canvas, **{name: part.generator for name, part in self.parts.items()}}

    def problem(self, starts: Mapping[str, Latents]) -> Problem:
        """What is to be solved from the given start latents."""
        plan, canvas, parts = self.plan, self.canvas, self.parts
        options: dict[str, Any] = {"segmenter": self.segmenter, "region": plan.region, "blend": plan.blend}
        return Problem(canvas, parts, starts, self.perceptual, **options)

    def references(self, seeds: Sequence[int]) -> dict[str, Tensor]:
        """Images that L_body and L_part hold on to where they are given, those of all initialisations of a seed together."""
        rows = [seed for seed in seeds for _ in range(self.plan.tries)]
        return {
            name: torch.stack([images[seed] for seed in rows]).to(self.device)
            for name, images in self.plan.references.items()
        }

    def starts(self, name: str, generator: Synthesiser, seeds: Sequence[int]) -> Latents:
        """Start latents of all initialisations, those of one seed one after the other."""
        side: Side = "canvas" if name == CANVAS else "inset"
        start, tries = self.plan.starts[name], self.plan.tries
        rounds = [start.latents(generator, seeds, again if side in self.plan.vary else 0) for again in range(tries)]
        order = torch.arange(tries * len(seeds)).view(tries, -1).T.flatten().to(rounds[0].first.device)
        joined = rounds[0].each(lambda kind, _: torch.cat([latents.tensors[kind] for latents in rounds]))
        return replace(joined, space=self.plan.spaces[name]).rows(order)

    def first_starts(self, name: str, generator: Synthesiser, seeds: Sequence[int]) -> Latents:
        """Start latents of the first initialisation of each seed."""
        start = self.plan.starts[name]
        return replace(start.latents(generator, seeds, 0), space=self.plan.spaces[name])


class StepProgress(pl.Callback):
    """Passes on how many steps of all blocks are done; of several processes each counts its own for all.

    Args:
        on_progress: called with the steps done and the steps in all.
        steps: of one block.
        done: blocks that were finished before.
        blocks: in all.
    """

    def __init__(self, on_progress: Callable[[int, int], None], *, steps: int, done: int, blocks: int) -> None:
        self.on_progress, self.steps, self.done, self.blocks = on_progress, steps, done, blocks
        self.processes = 1

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen to the solver."""
        self.processes = trainer.world_size
        if isinstance(pl_module, RefinementModule):
            pl_module.on_step = self._step

    def on_predict_batch_end(self, *_: Any) -> None:
        """Count a block."""
        self.done += self.processes

    def _step(self, step: Step) -> None:
        total = self.blocks * self.steps
        self.on_progress(min(self.done * self.steps + (step.index + 1) * self.processes, total), total)


def seed_blocks(seeds: Sequence[int], size: int) -> list[list[int]]:
    """Cut the seeds into blocks of `size`; a block is what is computed together, whatever is sharded or resumed."""
    return [list(seeds[start : start + size]) for start in range(0, len(seeds), size)]
