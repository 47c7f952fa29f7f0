"""`python refine.py`: compose pictures from several generators."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from insetgan import __version__
from insetgan.cli.app import entry
from insetgan.cli.seeds import parse_seeds
from insetgan.errors import UserError

if TYPE_CHECKING:
    import pytorch_lightning as pl

    from insetgan.networks.generator import Generator
    from insetgan.refine.run_folder import RunFolder
    from insetgan.training.refinement_module import RefinementModule


@dataclass
class CanvasConfig:
    """The generator of the canvas: an embedded model or a .safetensors file."""

    weights: str = "body"


@dataclass
class RefineConfig:
    """Keys of refine.py.

    Attributes:
        trunc: psi of the start codes, w_avg + psi (w - w_avg); 1 = off, 0 = the average picture.
        seeds: `0-7`, `3`, or a list; body and face of a sample start from the same seed.
        steps: updates of either side, in all.
        batch_size: samples at once.
        out: the run folder; named after trunc and the other settings unless given.
        overwrite: whether results of other settings in `out` may be replaced.
        canvas: the generator of the canvas.
        parts: by name, an inset each: weights and placement.
        detector: finds the parts on the canvas.
        perceptual: features of the perceptual terms.
        objective: by name, the terms to minimise.
        schedule: order and rates of the updates.
        trainer: accelerator, devices, precision and the like, as pytorch_lightning.Trainer takes them.
    """

    trunc: float = 0.7
    seeds: Any = "0-7"
    steps: int = 260
    batch_size: int = 8
    out: str | None = None
    overwrite: bool = False
    canvas: CanvasConfig = field(default_factory=CanvasConfig)
    parts: dict[str, Any] = field(default_factory=dict)
    detector: Any = None
    perceptual: Any = None
    objective: dict[str, Any] = field(default_factory=dict)
    schedule: Any = None
    trainer: dict[str, Any] = field(default_factory=dict)


def run(config: DictConfig) -> None:
    """Refine the seeds that are not finished yet, gather the results and say what came out."""
    from insetgan.cli.terminal import PatientConsole
    from insetgan.cli.trainer import build_trainer

    seeds = _check(config)
    module = _build(config)  # first, since its complaints name the settings
    signature = _signature(config)
    from insetgan.refine.run_folder import RunFolder
    from insetgan.training.refinement_module import seed_blocks

    trainer = build_trainer(config.trainer, inference_mode=False)
    folder = RunFolder(_out(config, signature), signature, overwrite=config.overwrite)
    folder.write("config.yaml", OmegaConf.to_yaml(config, resolve=True).encode())
    blocks = seed_blocks(seeds, config.batch_size)
    open_blocks = [block for block in blocks if not all(folder.finished(seed, block) for seed in block)]
    began = time.monotonic()
    _refine(trainer, module, folder, open_blocks, len(blocks))
    if trainer.is_global_zero:
        results = folder.gather(seeds)
        refined = sum(map(len, open_blocks))
        _summary(PatientConsole(), folder.path, results, refined, time.monotonic() - began)


def _check(config: DictConfig) -> list[int]:
    _check_present(config)
    seeds = parse_seeds(OmegaConf.to_object(config.seeds) if OmegaConf.is_list(config.seeds) else config.seeds)
    if not 0 <= config.trunc <= 2:
        raise UserError(f"trunc={config.trunc}: must be between 0 (the average picture) and 2; 1 is no truncation")
    for key in ("steps", "batch_size"):
        if config[key] < 1:
            raise UserError(f"{key}={config[key]}: must be at least 1")
    return seeds


def _check_present(config: DictConfig) -> None:
    from insetgan.ops.boxes import PART_NAMES

    missing = [key for key in ("trunc", "steps", "batch_size", "seeds") if config[key] is None]
    missing += [
        key for key in ("parts", "objective", "schedule", "detector", "perceptual", "trainer") if not config[key]
    ]
    if missing:
        raise UserError(f"{missing[0]}: must not be empty; see conf/refine.yaml")
    for name, part in config.parts.items():
        if name not in PART_NAMES:
            raise UserError(f"parts.{name}: the detector knows {', '.join(PART_NAMES)}")
        if not isinstance(part, DictConfig) or set(part) != {"weights", "placement"} or None in part.values():
            raise UserError(f"parts.{name}: needs weights and placement, as in conf/part/face.yaml")
    for name, term in config.objective.items():
        if not isinstance(term, DictConfig) or "_target_" not in term:
            raise UserError(f"objective.{name}={term}: must be a term with _target_ and weight")


def _signature(config: DictConfig) -> str:
    """What decides the pictures of a seed, as a digest: settings and contents of the weights, not where or how many."""
    from insetgan.weights.store import resolve

    settings: Any = OmegaConf.to_container(config, resolve=True)
    keep = ("trunc", "steps", "canvas", "parts", "detector", "perceptual", "objective", "schedule")
    decisive = {key: settings[key] for key in keep}
    decisive["precision"] = settings["trainer"].get("precision")
    decisive["version"] = __version__  # other code, other pictures
    files = sorted(set(_weights(decisive)))
    decisive["files"] = [hashlib.sha256(resolve(name).read_bytes()).hexdigest() for name in files]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _weights(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("weights", "name_or_path") and isinstance(value, str):
                yield value
            else:
                yield from _weights(value)


def _out(config: DictConfig, signature: str) -> Path:
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    if config.out is not None:
        return Path(config.out)
    if HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN:
        return Path(HydraConfig.get().runtime.output_dir)
    # The same settings find the same folder again, so that the same command goes on where it was stopped.
    return Path("outputs/refine") / f"trunc{config.trunc:g}-{signature[:8]}"


def _build(config: DictConfig) -> "RefinementModule":
    from insetgan.cli.build import instantiate
    from insetgan.parts.part import Part
    from insetgan.refine.objective import Objective
    from insetgan.training.refinement_module import RefinementModule

    detector = instantiate(config.detector)
    parts = {}
    for name, part in config.parts.items():
        generator = _generator(f"parts.{name}", part.weights)
        parts[str(name)] = Part(str(name), generator, detector, instantiate(part.placement))
    terms = {str(name): instantiate(term) for name, term in config.objective.items()}
    return RefinementModule(
        _generator("canvas", config.canvas.weights),
        parts,
        Objective(terms),
        instantiate(config.schedule, steps=config.steps),
        perceptual=instantiate(config.perceptual),
        trunc=config.trunc,
    )


def _generator(key: str, weights: str) -> "Generator":
    from insetgan.weights.store import load_network

    generator: Generator = load_network(weights, kind="generator", key=f"{key}.weights")
    if generator.c_dim or generator.img_channels != 3:
        raise UserError(
            f"{key}.weights={weights}: draws {generator.img_channels} channels for {generator.c_dim} classes; "
            "refinement takes RGB generators without labels"
        )
    return generator


def _refine(
    trainer: "pl.Trainer", module: "RefinementModule", folder: "RunFolder", blocks: list[list[int]], total: int
) -> None:
    """Refine the blocks that are open; several processes share them, and go on together when all are done."""
    from torch.utils.data import DataLoader

    from insetgan.cli.terminal import progress
    from insetgan.training.refinement_module import SampleWriter, StepProgress

    if not blocks:
        return
    count = sum(map(len, blocks))
    with progress(f"refining {count} sample{'s' * (count > 1)}", "steps") as on_progress:
        shown = StepProgress(on_progress, steps=module.schedule.steps, done=total - len(blocks), blocks=total)
        trainer.callbacks += [SampleWriter(folder), shown]  # type: ignore[attr-defined]
        trainer.predict(module, DataLoader(blocks, batch_size=None), return_predictions=False)  # type: ignore[arg-type]
    trainer.strategy.barrier()


def _summary(console: Any, path: Path, results: dict[str, Any], refined: int, seconds: float) -> None:
    from insetgan.cli.terminal import table

    summary, samples = results["summary"], results["samples"]
    rows = []
    for name in ("seam", "band"):
        before, after = summary[f"{name}_before"], summary[f"{name}_after"]
        rows += [[f"{name}, {part}", _figure(before[part]), _figure(after[part])] for part in after or {}]
    if summary["body_change"] is not None:
        rows.append(["body change", "", _figure(summary["body_change"])])
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(summary["status"].items()))
    made = f"{refined} refined in {seconds:.0f} s" if refined else "all of them were finished before"
    console.print(f"{len(samples)} samples ({statuses}), {made}")
    if rows:
        table("median over the samples", ["", "naive paste", "refined"], rows, console=console)
    console.print(f"pictures: {path / 'sheet.png'}")
    console.print(f"folder:   {path}")


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def main() -> None:
    """Entry point."""
    entry(run, "refine", RefineConfig)
