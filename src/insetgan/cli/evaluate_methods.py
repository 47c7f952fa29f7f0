"""From the methods of evaluate.py to sources of pictures: refinements are run, and reuse what others have made."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from insetgan import __version__
from insetgan.cli.app import explain, refuse_unknown
from insetgan.cli.build import instantiate
from insetgan.cli.refine_config import RefineConfig
from insetgan.cli.refine_config import check as check_refine
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import files_of, fingerprint
from insetgan.weights.store import resolve

if TYPE_CHECKING:
    from insetgan.evaluation.pictures import Pictures
    from insetgan.refine.module import RefinementModule
    from insetgan.refine.refined_samples import RefinedSamples
    from insetgan.runtime.lightning import pl

_START = ("canvas", "parts", "detector", "trunc")
"""Settings of refine.py that decide what a refinement begins with."""


def compose_refine(config: DictConfig, trunc: float, overrides: Sequence[str] = ()) -> DictConfig:
    """The configuration of refine.py for one truncation, checked.

    Args:
        config: of evaluate.py; `refine=` and what both have in common are taken over.
        trunc: psi.
        overrides: of the method.

    Raises:
        UserError: naming the setting of `refine=` that is wrong.
    """
    from hydra import compose
    from hydra.core.config_store import ConfigStore
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    ConfigStore.instance().store(name="refine_schema", node=RefineConfig)
    common = [f"trunc={trunc!r}", f"seeds={config.seed}-{config.seed + config.num - 1}"]
    common += [f"batch_size={config.batch_size}", f"trainer.precision={config.trainer.get('precision')}"]
    ours = {override.partition("=")[0] for override in common}
    ours |= {"out", "overwrite", "walk", "keep", "video"}
    for given in [*config.refine, *overrides]:
        key = given.partition("=")[0].lstrip("+~")
        if key in ours or key.startswith("trainer."):
            raise UserError(f"refine={given}: {key} is not for refine= to set; an evaluation decides it")
    try:
        refine: DictConfig = compose("refine", [*config.refine, *overrides, *common])
        refuse_unknown(refine, RefineConfig)
        check_refine(refine)
    except (HydraException, OmegaConfBaseException, UserError) as error:
        raise UserError(f"refine: {explain(error, RefineConfig)}") from error
    return refine


@dataclass
class Contestant:
    """A method at one truncation.

    Attributes:
        name: of the method.
        settings: of the method, see `evaluate_config.MethodConfig`.
        trunc: psi; None for pictures that were there already.
        refine: configuration of refine.py with which it begins.
        out: folder of the evaluations.
        size: height and width to which pictures of a folder are brought.
    """

    name: str
    settings: DictConfig
    trunc: float | None
    refine: DictConfig
    out: Path
    size: tuple[int, int]
    _module: "RefinementModule | None" = None

    @property
    def label(self) -> str:
        """What it is called in the terminal."""
        return self.name if self.trunc is None else f"{self.name}, psi {self.trunc:g}"

    @property
    def file_name(self) -> str:
        """Begins the names of its folders."""
        return self.name if self.trunc is None else f"{self.name}-{self.trunc:g}"

    def module(self) -> "RefinementModule":
        """What refines, or draws what a refinement begins with; built once."""
        from insetgan.cli.refine_parts import build_module
        from insetgan.cli.seeds import parse_seeds

        if self._module is None:
            self._module = build_module(self.refine, parse_seeds(self.refine.seeds))
        return self._module

    def try_out(self) -> None:
        """Build what its pictures come from, and forget it again.

        Raises:
            UserError: something that it needs is missing or does not fit.
        """
        if self.settings.kind == "folder":
            if not Path(self.settings.path).exists():
                raise UserError(f"method.{self.name}.path={self.settings.path}: no such file or folder")
            if len(self.source().dataset) < 2:  # type: ignore[attr-defined]
                raise UserError(
                    f"method.{self.name}.path={self.settings.path}: holds one picture; 2 or more are needed"
                )
        elif self.settings.kind == "complete":
            self._completion()
        self.module()
        self.release()

    def release(self) -> None:
        """Forget the networks: of several truncations only one is in memory."""
        self._module = None

    def samples(self) -> "RefinedSamples":
        """The samples of a method that refines, in its result folder; nothing is written yet."""
        from insetgan.refine.refined_samples import LAYOUT, RefinedSamples
        from insetgan.runtime.store import ResultFolder

        mark = self._refine_fingerprint()
        folder = ResultFolder(self.out / "runs" / f"{self.file_name}-{mark[:8]}", mark, LAYOUT)
        return RefinedSamples(folder, origin=self.module().origin)

    def _refine_fingerprint(self) -> str:
        from insetgan.cli.refine_parts import refine_fingerprint
        from insetgan.cli.seeds import parse_seeds

        return refine_fingerprint(self.refine, self.module(), parse_seeds(self.refine.seeds))

    def fingerprint(self) -> str:
        """What decides the images."""
        kind = self.settings.kind
        if kind == "folder":
            reading = [self.settings.grey, str(self.settings.background)]
            return fingerprint(["folder", self.size, reading], archives=[Path(self.settings.path)])
        if kind == "refine":
            return fingerprint(["refine", self._refine_fingerprint(), _origins(self.refine, self.module())])
        start = start_fingerprint(self.refine, self.module())
        if kind == "complete":
            network = resolve(self.settings.weights, key=f"method.{self.name}.weights")
            return fingerprint([kind, start, self.settings.trunc], files=[network])
        return fingerprint([kind, start])

    def source(self, rivals: Sequence["Contestant"] = ()) -> "Pictures":
        """Where its pictures come from; a refinement must be finished.

        Args:
            rivals: that refine, and are finished; a naive paste reads theirs where they begin alike.
        """
        from insetgan.data.datasets import ImageDataset
        from insetgan.evaluation.pictures import (
            CanvasPictures,
            CompletedPictures,
            DatasetPictures,
            PastedPictures,
            RefinedPictures,
        )

        kind, parts = self.settings.kind, list(map(str, self.refine.parts))
        if kind == "folder":
            return DatasetPictures(
                ImageDataset(
                    self.settings.path,
                    *self.size,
                    checked=False,
                    keep=False,
                    grey=self.settings.grey,
                    background=self.settings.background,
                )
            )
        if kind == "refine":
            return RefinedPictures(self.samples(), parts)
        if kind == "paste":
            for rival in rivals:
                # Of several initialisations a run keeps the paste of the best one, which may not be the first.
                alike = rival.refine.starts == 1 and _begins(rival.refine) == _begins(self.refine)
                if rival.trunc == self.trunc and alike:
                    return RefinedPictures(rival.samples(), parts, "paste")
        module = self.module()

        def problem(seeds: Sequence[int]) -> Any:
            drawers = module.generators.items()
            return module.problem({name: module.first_starts(name, drawer, seeds) for name, drawer in drawers})

        if kind != "complete":
            return (CanvasPictures if kind == "canvas" else PastedPictures)(problem, [module])
        network, complete = self._completion()
        return CompletedPictures(problem, [module, network], complete)

    def _completion(self) -> tuple[Any, Any]:
        from insetgan.completion.completion import complete
        from insetgan.weights.store import load_network

        key = f"method.{self.name}.weights"
        network = load_network(self.settings.weights, kind="comodgan", key=key)
        if (found := (getattr(network, "height", 0), getattr(network, "width", 0))) != self.size:
            wanted = f"the canvas is {self.size[0]} x {self.size[1]}"
            raise UserError(f"{key}={self.settings.weights}: completes {found[0]} x {found[1]}, {wanted}")
        psi = self.settings.trunc
        return network, lambda pictures, known, seeds: complete(network, pictures, known, seeds, trunc=psi)

    def refine_open(self, trainer: "pl.Trainer", title: str) -> dict[str, Any] | None:
        """Refine what is not finished yet, gather it and write the run's report; of methods that refine.

        Returns:
            What the run's results.json holds; None in the other processes.
        """
        from insetgan.cli.refine import labels, present, refine_blocks, unfinished
        from insetgan.cli.seeds import parse_seeds
        from insetgan.refine.module import seed_blocks
        from insetgan.reports.refinement import gather_results
        from insetgan.runtime.provenance import with_provenance

        samples, module, seeds = self.samples(), self.module(), parse_seeds(self.refine.seeds)
        if trainer.is_global_zero:
            samples.folder.claim()  # by one process, and found by the others
            samples.folder.write("config.yaml", with_provenance(OmegaConf.to_yaml(self.refine, resolve=True)))
        trainer.strategy.barrier()
        blocks = seed_blocks(seeds, self.refine.batch_size)
        refine_blocks(trainer, module, samples, unfinished(samples, blocks), len(blocks), title)
        if not trainer.is_global_zero:
            return None
        results = gather_results(samples, seeds, labels=labels(self.refine))
        present(self.refine, samples, module, results)
        return results


def _origins(refine: DictConfig, module: "RefinementModule") -> list[str]:
    """What beside seeds and settings decides the starts of all samples."""
    from insetgan.cli.seeds import parse_seeds

    return [module.origin(seed) for seed in parse_seeds(refine.seeds)]


def start_fingerprint(refine: DictConfig, module: "RefinementModule") -> str:
    """What decides with which images a refinement begins."""
    starts = _origins(refine, module)
    values = [_begins(refine), starts, refine.trainer.get("precision"), __version__]
    return fingerprint(values, files=module.start_files())


def component_fingerprint(node: DictConfig, component: Any) -> str:
    """What decides the results of a component: its settings and the files that it reads."""
    settings: Any = OmegaConf.to_container(node, resolve=True)
    return fingerprint([settings, __version__], files=files_of(component))


def generator_size(weights: str | None) -> tuple[int, int]:
    """Height and width of a generator's pictures, by the description in its file."""
    from insetgan.weights.store import read_metadata

    if weights is None:
        raise UserError("refine: canvas.generator: an evaluation takes canvas.weights, which say how large images are")
    architecture = read_metadata(resolve(weights, key="refine: canvas.weights"))["architecture"]
    if not {"height", "width"} <= set(architecture):
        raise UserError(f"refine: canvas.weights={weights}: holds no generator")
    return int(architecture["height"]), int(architecture["width"])


def placements(refine: DictConfig, regions: Sequence[str]) -> dict[str, Any]:
    """How the box of each part among the regions is placed: as its inset is, or as conf/parts says."""
    from insetgan.cli.app import ROOT
    from insetgan.detection.placement import PlacementRule

    nodes: dict[str, Any] = {}
    for path in sorted((ROOT / "conf" / "parts").glob("*.yaml")):
        nodes |= {str(name): part.placement for name, part in OmegaConf.load(path).items()}
    nodes |= {str(name): part.placement for name, part in refine.parts.items()}
    for region in regions:
        if region not in nodes:
            raise UserError(f"regions={region}: must be body or a part ({', '.join(nodes)})")
    return {region: instantiate(nodes[region], PlacementRule) for region in regions}


def _begins(refine: DictConfig) -> dict[str, Any]:
    settings: Any = OmegaConf.to_container(refine, resolve=True)
    return {key: settings[key] for key in _START}
