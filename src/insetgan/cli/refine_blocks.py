"""Refining blocks of seeds into a result folder: what a run, its shards and an evaluation have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from insetgan.cli.sweep import in_sweep
from insetgan.cli.terminal import PatientConsole, progress
from insetgan.refine.module import RefinementModule, StepProgress
from insetgan.refine.problem import Step
from insetgan.refine.refined_samples import RefinedSamples
from insetgan.refine.writer import SampleWriter
from insetgan.runtime.lightning import pl
from insetgan.runtime.trainer import predict_blocks


@dataclass(frozen=True)
class Watch:
    """Who follows a refinement in the place of the terminal, as the page of demo.py does.

    Attributes:
        on_step: called after each step of the solver. What it raises ends the refinement; its state is kept as usual.
        say: told in one line each what was chosen.
    """

    on_step: Callable[[Step], None]
    say: Callable[[str], None]


def result_folder(config: DictConfig, fingerprint: str, *, shared: bool = False) -> Path:
    """The folder of the results.

    Args:
        config: of refine.py.
        fingerprint: of what is made.
        shared: whether the runs of a sweep share it.
    """
    if config.out is not None:
        return Path(config.out)
    if in_sweep() and not shared:
        return Path(HydraConfig.get().runtime.output_dir)
    # The same settings find the same folder again, so that the same command goes on where it was stopped.
    return Path("outputs/refine") / f"{config.mode.name}-{fingerprint[:8]}"


def unfinished(samples: "RefinedSamples", blocks: list[list[int]], overwrite: bool = False) -> list[list[int]]:
    """The blocks of which a sample is not finished; every process of a command finds the same ones.

    Args:
        samples: of the run.
        blocks: of seeds.
        overwrite: whether all results are removed at the start, which another process may not have done yet.
    """
    return [block for block in blocks if overwrite or not all(samples.finished(seed, block) for seed in block)]


def refine_blocks(
    trainer: "pl.Trainer",
    module: "RefinementModule",
    samples: "RefinedSamples",
    blocks: list[list[int]],
    total: int,
    title: str = "refining",
    watch: Watch | None = None,
) -> None:
    """Refine the blocks that are open; several processes share them, and go on together when all are done.

    Args:
        trainer: carries it out.
        module: refines.
        samples: where the results are written.
        blocks: of seeds, those that are open.
        total: blocks of the whole run, those that were finished before among them.
        title: what is being done, for the terminal.
        watch: follows in the place of the terminal.
    """
    if not blocks:
        return
    module.unfinished, module.say = samples.folder, PatientConsole().print if watch is None else watch.say
    if watch is not None:
        module.on_step = watch.on_step
        predict_blocks(trainer, module, blocks, [SampleWriter(samples)])
        return
    count = sum(map(len, blocks))
    with progress(f"{title} {count} sample{'s' * (count > 1)}", "steps") as on_progress:
        shown = StepProgress(on_progress, steps=module.schedule.steps, done=total - len(blocks), blocks=total)
        predict_blocks(trainer, module, blocks, [SampleWriter(samples), shown])
