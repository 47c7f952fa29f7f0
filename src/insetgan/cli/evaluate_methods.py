"""From the methods of evaluate.py to sources of pictures: refinements are run, and reuse what others have made."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from insetgan import __version__
from insetgan.cli.app import explain, refuse_unknown
from insetgan.cli.build import instantiate
from insetgan.cli.refine_config import RefineConfig, weights_in
from insetgan.cli.refine_config import check as check_refine
from insetgan.runtime.errors import UserError

if TYPE_CHECKING:
    from insetgan.evaluation.pictures import Pictures
    from insetgan.refine.module import RefinementModule
    from insetgan.refine.run_folder import RunFolder
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

    def run_folder(self) -> "RunFolder":
        """The folder of a method that refines."""
        from insetgan.cli.refine_parts import signature
        from insetgan.cli.seeds import parse_seeds
        from insetgan.refine.run_folder import RunFolder

        mark = signature(self.refine, parse_seeds(self.refine.seeds))
        return RunFolder(self.out / "runs" / f"{self.file_name}-{mark[:8]}", mark, origin=self.module().origin)

    def signature(self) -> str:
        """What decides the pictures, as a digest."""
        from insetgan.cli.refine_parts import signature
        from insetgan.cli.seeds import parse_seeds

        kind = self.settings.kind
        if kind == "folder":
            return digest(["folder", fingerprint(Path(self.settings.path)), self.size])
        if kind == "refine":
            mark = signature(self.refine, parse_seeds(self.refine.seeds))
            return digest(["refine", mark, _origins(self.refine, self.module())])
        start = start_signature(self.refine, self.module())
        if kind == "complete":
            return digest([kind, start, files_digest([self.settings.weights]), self.settings.trunc])
        return digest([kind, start])

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
            return DatasetPictures(ImageDataset(self.settings.path, *self.size, checked=False, keep=False))
        if kind == "refine":
            return RefinedPictures(self.run_folder(), parts)
        if kind == "paste":
            for rival in rivals:
                # Of several initialisations a run keeps the paste of the best one, which may not be the first.
                alike = rival.refine.starts == 1 and _begins(rival.refine) == _begins(self.refine)
                if rival.trunc == self.trunc and alike:
                    return RefinedPictures(rival.run_folder(), parts, "paste")
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
        from insetgan.cli.refine import present, refine_blocks
        from insetgan.cli.seeds import parse_seeds
        from insetgan.refine.module import seed_blocks

        if trainer.is_global_zero:
            self.run_folder()  # made by one process, and found by the others
        trainer.strategy.barrier()
        folder, module, seeds = self.run_folder(), self.module(), parse_seeds(self.refine.seeds)
        if trainer.is_global_zero:
            folder.write("config.yaml", OmegaConf.to_yaml(self.refine, resolve=True).encode())
        blocks = seed_blocks(seeds, self.refine.batch_size)
        open_blocks = [block for block in blocks if not all(folder.finished(seed, block) for seed in block)]
        refine_blocks(trainer, module, folder, open_blocks, len(blocks), title)
        if not trainer.is_global_zero:
            return None
        results = folder.gather(seeds)
        present(self.refine, folder, module, results)
        return results


def _origins(refine: DictConfig, module: "RefinementModule") -> list[str]:
    """What beside seeds and settings decides the starts of all samples."""
    from insetgan.cli.seeds import parse_seeds

    return [module.origin(seed) for seed in parse_seeds(refine.seeds)]


def start_signature(refine: DictConfig, module: "RefinementModule") -> str:
    """What decides with which pictures a refinement begins."""
    begins = _begins(refine)
    starts = _origins(refine, module)
    return digest([begins, files_digest(weights_in(begins)), starts, refine.trainer.get("precision"), __version__])


def extractor_signature(node: DictConfig, extractor: Any) -> str:
    """What decides the features of a picture."""
    settings: Any = OmegaConf.to_container(node, resolve=True)
    path = getattr(extractor, "path", None)
    return digest([settings, files_digest([*weights_in(settings), *([str(path)] if path else [])]), __version__])


def files_digest(names: Any) -> list[str]:
    """Digests of the contents of weights, by the names or paths under which they are known."""
    from insetgan.weights.store import resolve

    return [hashlib.sha256(resolve(name).read_bytes()).hexdigest() for name in sorted(set(names))]


def fingerprint(path: Path) -> list[Any]:
    """Names, sizes and times of the files of an archive, which are quicker to read than their contents.

    Raises:
        UserError: there is no such file or folder.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [(str(file), (known := file.stat()).st_size, known.st_mtime_ns) for file in files]


def generator_size(weights: str | None) -> tuple[int, int]:
    """Height and width of a generator's pictures, by the description in its file."""
    from insetgan.weights.store import read_metadata, resolve

    if weights is None:
        raise UserError("refine: canvas.generator: an evaluation takes canvas.weights, which say how large images are")
    architecture = read_metadata(resolve(weights, key="refine: canvas.weights"))["architecture"]
    if not {"height", "width"} <= set(architecture):
        raise UserError(f"refine: canvas.weights={weights}: holds no generator")
    return int(architecture["height"]), int(architecture["width"])


def digest(content: Any) -> str:
    """Digest of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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
