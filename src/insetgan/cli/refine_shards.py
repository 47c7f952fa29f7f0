"""`python refine.py shards=200`: a large refinement in tar files, which any number of these commands share."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from insetgan.cli.refine_blocks import refine_blocks, result_folder, unfinished
from insetgan.cli.refine_images import finish_with
from insetgan.cli.run_index import indexed
from insetgan.cli.seeds import parse_seeds
from insetgan.cli.terminal import PatientConsole, table
from insetgan.metrics.measures import Measure
from insetgan.refine.module import RefinementModule, seed_blocks
from insetgan.refine.refined_samples import RefinedSamples
from insetgan.refine.shards import Shard, Shards, cut_seeds
from insetgan.refine.summary import median
from insetgan.reports.shards import gather_shards, is_gathered
from insetgan.reports.video import encode_mp4
from insetgan.runtime.lightning import pl
from insetgan.runtime.provenance import with_provenance
from insetgan.runtime.run_log import log_to

_GATHER = "gather"


def run_shards(
    config: DictConfig,
    seeds: Sequence[int],
    module: RefinementModule,
    measures: Sequence[Measure],
    trainer: pl.Trainer,
    mark: str,
) -> float | None:
    """Make the shards that no other command makes; the last command gathers them.

    Args:
        config: of refine.py, checked.
        seeds: of all samples.
        module: refines.
        measures: that are taken of each sample.
        trainer: of one device.
        mark: fingerprint of the samples.

    Returns:
        What a sweeper minimises: the seam, see `refine.objective`; None where this command did not gather.
    """
    size = max(1, config.batch_size // config.starts)
    shards = Shards(
        result_folder(config, mark, shared=True),
        mark,
        cut_seeds(seeds, config.shards),
        origin=module.origin,
        batch_size=size,
        images=list(config.shard_images),
        overwrite=config.overwrite,
    )
    chosen = shards.shards
    if config.shard is not None:
        given: Any = OmegaConf.to_container(config, resolve=True)
        chosen = [chosen[k] for k in parse_seeds(given["shard"], key="shard", word="shard")]
    work = _Work(config, shards, module, measures, trainer, size)
    with ExitStack() as stack:
        stack.enter_context(shards.working())
        stack.enter_context(log_to(shards.path / "shards.log"))
        stack.enter_context(indexed(shards.path))
        shards.store.write("config.yaml", with_provenance(OmegaConf.to_yaml(config, resolve=True)))
        began = time.monotonic()
        count = work.make(chosen)
        work.console.print(f"{count} shards made here in {time.monotonic() - began:.0f} s")
        return work.conclude(chosen)


class _Work:
    """One command's share."""

    def __init__(
        self,
        config: DictConfig,
        shards: Shards,
        module: RefinementModule,
        measures: Sequence[Measure],
        trainer: pl.Trainer,
        block: int,
    ) -> None:
        self.config, self.shards, self.module, self.measures = config, shards, module, measures
        self.trainer, self.block, self.console = trainer, block, PatientConsole()

    def make(self, chosen: Sequence[Shard]) -> int:
        """Make what of these shards is free, until nothing is; a killed command sets its shard free."""
        count, before = 0, -1
        while count > before:
            before = count
            for shard in chosen:
                if not self.shards.made(shard):
                    with self.shards.take(shard) as mine:
                        if mine:
                            self._refine(shard)
                            count += 1
        return count

    def _refine(self, shard: Shard) -> None:
        folder = self.shards.samples_folder(shard)
        samples = RefinedSamples(
            folder,
            self.config.keep,
            self.module.origin,
            encode_mp4,
            (),
            self.measures,
            finish_with(self.module, self.module.images, self.shards.mark),
            tuple(self.config.shard_images),
            masks=True,
        )
        blocks = seed_blocks(shard.seeds, self.block)
        title = f"shard {shard.number} of {len(self.shards.shards)}: refining"
        refine_blocks(self.trainer, self.module, samples, unfinished(samples, blocks), len(blocks), title)
        self.shards.pack(shard, samples, folder)

    def conclude(self, chosen: Sequence[Shard]) -> float | None:
        """Gather, if all shards are made and no other command does so; damaged ones are made again first."""
        shards, say = self.shards, self.console.print
        with shards.claims.take(_GATHER) as mine:
            if not mine:
                say("another command gathers the shards")
                return None
            while True:
                if open_ones := [shard for shard in shards.shards if not shards.made(shard)]:
                    self._say_open(open_ones)
                    return None
                if is_gathered(shards):
                    say(f"all {len(shards.shards)} shards are made and gathered: {shards.path / 'data_card.md'}")
                    return None
                if not (damaged := shards.damaged()):
                    break
                for shard in damaged:
                    say(f"{shard.key}.tar: is not what was written, so it is made again")
                    shards.store.forget(shard.key)
                self.make([shard for shard in damaged if shard in chosen])
            about = {"images of a sample": ", ".join(self.config.shard_images), **_made_of(self.config)}
            results = gather_shards(shards, self.measures, about)
        return self._report(results)

    def _say_open(self, open_ones: Sequence[Shard]) -> None:
        busy = sum(self.shards.claims.taken(shard.key) for shard in open_ones)
        left = len(open_ones) - busy
        others = f"{busy} are being made by other commands, of which the last gathers" if busy else ""
        undone = f"{left} are left to make, by the same command without shard= or with another" if left else ""
        self.console.print(
            f"{len(open_ones)} of {len(self.shards.shards)} shards are not made: {'; '.join(filter(None, (others, undone)))}"
        )

    def _report(self, results: dict[str, Any]) -> float | None:
        summary, say = results["summary"], self.console.print
        rows = [[status, str(count), f"{count / results['count']:.2%}"] for status, count in summary["status"].items()]
        title = f"{results['count']} samples in {len(results['shards'])} shards"
        table(title, ["status", "samples", "share"], rows, console=self.console)
        say(f"images:    {self.shards.path / 'sheet.png'}")
        say(f"data card: {self.shards.path / 'data_card.md'}")
        say(f"shards:    {self.shards.store.results}")
        return median(list((summary["seam_after"] or {}).values()))


def _made_of(config: DictConfig) -> dict[str, str]:
    """What the data card says of the making."""
    plain: Any = OmegaConf.to_container(config, resolve=True)
    nodes = {"canvas": plain["canvas"], **plain["parts"]}
    drawn = {name: str(node["weights"] or "a generator of the user's own") for name, node in nodes.items()}
    return {
        "seeds": str(plain["seeds"]),
        "mode": plain["mode"]["name"],
        "solver": plain["solver"],
        "steps": str(plain["steps"]),
        "trunc": str(plain["trunc"]),
        "weights": ", ".join(f"{name}: {Path(weights).name}" for name, weights in drawn.items()),
        "composite": plain["composite"],
    }
