"""Runs of refine.py within an evaluation: their settings, their result folders, and the refinement itself."""

import copy
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from insetgan import __version__
from insetgan.cli.arguments import as_typed, refuse_new_names
from insetgan.cli.build import instantiate
from insetgan.cli.explain import explain
from insetgan.cli.presets import refuse_conflict
from insetgan.cli.refine import present
from insetgan.cli.refine_blocks import refine_blocks, unfinished
from insetgan.cli.refine_config import RefineConfig, check
from insetgan.cli.refine_parts import build_module, refine_fingerprint
from insetgan.cli.refine_perceptual import settle_perceptual
from insetgan.cli.renamed import renewed
from insetgan.cli.schema import conform, schema_of
from insetgan.cli.seeds import parse_seeds
from insetgan.cli.terminal import PatientConsole
from insetgan.detection.placement import PlacementRule
from insetgan.metrics.measures import Measure
from insetgan.refine.latents import CANVAS
from insetgan.refine.module import RefinementModule, seed_blocks
from insetgan.refine.refined_samples import LAYOUT, RefinedSamples
from insetgan.reports.refinement import gather_results
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.lightning import pl
from insetgan.runtime.provenance import with_provenance
from insetgan.runtime.store import ResultFolder
from insetgan.weights.store import read_metadata, resolve

_START = ("canvas", "parts", "detector", "trunc")
"""Settings of refine.py that decide what a refinement begins with."""

_DECIDED = (
    "trunc",
    "seeds",
    "batch_size",
    "out",
    "overwrite",
    "walk",
    "shards",
    "shard",
    "shard_images",
    "keep",
    "video",
    "logger",
    "measures",
    "plugins",
)
"""Settings of refine.py that an evaluation decides."""


@functools.cache
def _say_once(line: str) -> None:
    PatientConsole().print(line)


@dataclass
class Refinements:
    """Makes the settings of refine.py that the methods of an evaluation need.

    Attributes:
        config: of evaluate.py; `refine=` and what both have in common are taken over.
        measures: that are taken of each sample.
    """

    config: DictConfig
    measures: Sequence[Measure]
    _composed: dict[tuple[str, ...], DictConfig] = field(default_factory=dict)

    def settings(self, trunc: float, overrides: Sequence[str] = ()) -> DictConfig:
        """The settings of one run, checked.

        Args:
            trunc: psi.
            overrides: of the method, beside those in `refine=`.

        Raises:
            UserError: naming the setting of `refine=` that is wrong.
        """
        config, key = self.config, tuple(overrides)
        try:
            if key not in self._composed:
                self._composed[key] = self._compose(key)
            refine = copy.deepcopy(self._composed[key])
            refine.trunc, refine.batch_size, refine.measures = trunc, config.batch_size, config.measures
            refine.seeds = f"{config.seed}-{config.seed + config.num - 1}"
            refine.trainer.precision = config.trainer.precision
            for line in settle_perceptual(refine):
                _say_once(line)
            check(refine)
        except _Decided:
            raise
        except (HydraException, OmegaConfBaseException, UserError) as error:
            raise UserError(f"refine: {explain(error, RefineConfig, 'refine')}") from error
        return refine

    def _compose(self, overrides: tuple[str, ...]) -> DictConfig:
        ConfigStore.instance().store(name="refine_schema", node=schema_of(RefineConfig))
        given = [*self.config.refine, *overrides]
        for override in given:
            key = override.partition("=")[0].lstrip("+~")
            if key in _DECIDED or key.startswith("trainer."):
                raise _Decided(f"refine={override}: {key} is not for refine= to set; an evaluation decides it")
        asked = as_typed(renewed(given, "refine")[0], RefineConfig)
        refine: DictConfig = compose("refine", asked)
        refuse_conflict(asked)
        refuse_new_names(refine, RefineConfig, asked, lambda others: compose("refine", others))
        conform(refine, RefineConfig)
        return refine

    def run(self, trunc: float, overrides: Sequence[str] = ()) -> "RefinementRun":
        """The run of one psi, see `settings`."""
        return RefinementRun(self.settings(trunc, overrides), Path(self.config.out), self.measures)

    def placements(self, regions: Sequence[str]) -> dict[str, PlacementRule]:
        """How the box of each part among the regions is placed: as its inset is, or as conf/parts says.

        Raises:
            UserError: no such part.
        """
        nodes: dict[str, Any] = {}
        known = GlobalHydra.instance().config_loader().get_group_options("parts", ObjectType.CONFIG)
        for choice in known:
            nodes |= {
                str(name): part.placement for name, part in compose("refine", [f"parts=[{choice}]"]).parts.items()
            }
        own = self.settings(self.config.trunc[0])
        nodes |= {str(name): part.placement for name, part in own.parts.items()}
        for region in regions:
            if region not in nodes:
                raise UserError(f"regions={region}: must be body or a part ({', '.join(nodes)})")
        return {region: instantiate(nodes[region], PlacementRule) for region in regions}


class _Decided(UserError):
    """A setting that an evaluation decides."""


@dataclass
class RefinementRun:
    """A run of refine.py in a folder of an evaluation; see `evaluation.method.Refinement`.

    Attributes:
        config: of refine.py, checked.
        out: folder of the evaluations.
        measures: that are taken of each sample.
    """

    config: DictConfig
    out: Path
    measures: Sequence[Measure]
    _module: RefinementModule | None = None

    @property
    def parts(self) -> list[str]:
        """Names of its insets."""
        return list(map(str, self.config.parts))

    @property
    def starts(self) -> int:
        """Initialisations of each sample."""
        return int(self.config.starts)

    @property
    def weights(self) -> dict[str, Path]:
        """The files of its generators, by part and `CANVAS`; those of the user's own have none."""
        named = {CANVAS: self.config.canvas.weights, **{name: part.weights for name, part in self.config.parts.items()}}
        return {str(name): resolve(given, key="refine: weights") for name, given in named.items() if given is not None}

    @cached_property
    def start_settings(self) -> dict[str, Any]:
        """The settings that decide with which images it begins."""
        settings: Any = OmegaConf.to_container(self.config, resolve=True)
        return {key: settings[key] for key in _START}

    @cached_property
    def seeds(self) -> list[int]:
        """All its seeds."""
        return parse_seeds(self.config.seeds)

    @property
    def module(self) -> RefinementModule:
        """Refines, and draws what the refinement begins with; built when it is first asked for, and after `release`."""
        if self._module is None:
            self._module = build_module(self.config, self.seeds)
        return self._module

    def release(self) -> None:
        """Forget the networks."""
        self._module = None

    @cached_property
    def fingerprint(self) -> str:
        """What decides the refined images."""
        return refine_fingerprint(self.config, self.module, self.seeds, self.measures)

    @cached_property
    def start_fingerprint(self) -> str:
        """What decides the images with which the refinement begins."""
        # What beside seeds and settings decides the starts of all samples.
        starts = [self.module.origin(seed) for seed in self.seeds]
        values = [self.start_settings, starts, self.config.trainer.precision, __version__]
        return fingerprint(values, files=self.module.start_files())

    def samples(self, name: str) -> RefinedSamples:
        """Its samples, in a result folder whose name begins with `name`; nothing is written yet."""
        folder = ResultFolder(self.out / "runs" / f"{name}-{self.fingerprint[:8]}", self.fingerprint, LAYOUT)
        return RefinedSamples(folder, origin=lambda seed: self.module.origin(seed), measures=self.measures)

    def run(self, trainer: pl.Trainer, name: str, title: str) -> None:
        """Refine what is not finished yet, gather it, and write its report; see `evaluation.method.Refinement`."""
        samples = self.samples(name)
        if trainer.is_global_zero:
            samples.folder.claim()  # by one process, and found by the others
            samples.folder.write("config.yaml", with_provenance(OmegaConf.to_yaml(self.config, resolve=True)))
        trainer.strategy.barrier()
        blocks = seed_blocks(self.seeds, self.config.batch_size)
        refine_blocks(trainer, self.module, samples, unfinished(samples, blocks), len(blocks), title)
        if trainer.is_global_zero:
            present(self.config, samples, self.module, gather_results(samples, self.seeds, solver=self.config.solver))


def generator_size(weights: str | None) -> tuple[int, int]:
    """Height and width of a generator's images, by the description in its file.

    Raises:
        UserError: no file is named, it holds no generator, or its architecture does not say how large images are.
    """
    if weights is None:
        raise UserError("refine: canvas.generator: an evaluation takes canvas.weights, which say how large images are")
    about = read_metadata(resolve(weights, key="refine: canvas.weights"))
    architecture = about["architecture"]
    if about["kind"] != "generator":
        raise UserError(f"refine: canvas.weights={weights}: holds no generator")
    if not {"height", "width"} <= set(architecture):
        raise UserError(f"refine: canvas.weights={weights}: its architecture names no height and width of images")
    return int(architecture["height"]), int(architecture["width"])
