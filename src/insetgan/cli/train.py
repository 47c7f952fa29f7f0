"""`python train.py`: train what `+model=` names."""

import math
import os
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import Dataset

from insetgan.cli.build import instantiate
from insetgan.cli.idle import idle_lines, refuse_idle, typed
from insetgan.cli.loggers import build_loggers, refuse_missing_packages
from insetgan.cli.run_index import indexed
from insetgan.cli.sweep import in_sweep
from insetgan.cli.terminal import PatientConsole, progress
from insetgan.cli.train_config import check
from insetgan.cli.train_idle import idle
from insetgan.cli.trainer import say_cluster
from insetgan.data.crops import PartCrops
from insetgan.data.seeds import Seeds
from insetgan.metrics.features import FeatureExtractor
from insetgan.runtime import limits
from insetgan.runtime.errors import Stopped, UserError
from insetgan.runtime.files import lock_folder, write_whole
from insetgan.runtime.printing import silence
from insetgan.runtime.provenance import changed_plugins, with_provenance
from insetgan.runtime.run_log import log_to
from insetgan.runtime.threads import processors
from insetgan.runtime.torchvision_guard import guard
from insetgan.runtime.trainer import settle_rank
from insetgan.runtime.training_module import TrainingModule
from insetgan.training.metrics_log import MetricsCSV
from insetgan.training.options import RunOptions
from insetgan.training.quality import Quality
from insetgan.training.run import TrainingRun
from insetgan.training.samples import real_grid, write_png
from insetgan.training.transfer import start_from
from insetgan.weights.address import is_address
from insetgan.weights.store import EMBEDDED, resolve


def run(config: DictConfig) -> float | None:
    """Train as configured, and say what there is to see.

    Returns:
        The best Fréchet distance, which is what a sweeper minimises; None if nothing was measured.
    """
    guard()

    options = _options(config)
    console = PatientConsole()
    say_cluster(config.trainer.cluster)
    first = settle_rank(config.trainer.cluster) == 0
    if not first:
        silence(sys.stdout)
    dataset, validation, module, quality, options = _build(config, options, console)
    console.print(_headline(config, module, dataset), markup=False)
    for line in idle_lines({} if config.features else {"quality": "has no effect with features=none"}, typed()):
        console.print(line, markup=False)
    if config.recipe and config.recipe.get("graphs") and not _on_gpu(config):
        console.print("recipe.graphs=true has no effect: this run has no GPU")
    training = TrainingRun(module, dataset, options, validation=validation, quality=quality, console=console)
    with ExitStack() as held:
        loggers: list[Any] = []
        if not (training.finished or options.fast_dev_run) and first:
            held.enter_context(lock_folder(options.out))
            held.enter_context(indexed(options.out))
            if training.resume is not None:
                for name in changed_plugins(options.out / "config.yaml"):
                    console.print(f"plugins={name}: its code has changed since this run began", markup=False)
            _prepare_folder(config, options, dataset)
            held.enter_context(log_to(options.out / "train.log"))
            loggers = [MetricsCSV(options.out), *build_loggers(config.logger, options.out, _plain(config))]
        outcome = training.fit(loggers)
        _report(console, options, outcome)
    return None if outcome.quality is None else outcome.quality.best


def check_run(config: DictConfig) -> None:
    """Raise what would stop a run before its work; the images are opened, but not looked at one by one.

    Raises:
        UserError: a setting, or a file that it names, cannot be used.
    """
    guard()
    config.data.check = False
    with open(os.devnull, "w") as nowhere:
        _build(config, _options(config), PatientConsole(nowhere))


def _build(
    config: DictConfig, options: RunOptions, console: Any
) -> tuple[Any, Any, TrainingModule, Quality | None, RunOptions]:
    """Build the data set, that of validation, the networks, what measures them, and the options with what the data adds."""
    torch.manual_seed(config.seed)
    limits.CACHE_BYTES = int(config.data.cache_gb * (1 << 30))
    dataset = _images(config, console)
    if isinstance(dataset, PartCrops):
        options = replace(options, metadata=dataset.part_crop.metadata())
    validation = instantiate(config.model.validation, Dataset) if config.model.get("validation") else None
    config.data.c_dim = getattr(dataset, "c_dim", 0)
    module = instantiate(config.model.module, TrainingModule)
    if config.data.c_dim:
        module.use_labels(dataset.labels)
    _start(config, options, module, console)
    return dataset, validation, module, _quality(config, dataset, module), options


def _start(config: DictConfig, options: "RunOptions", module: Any, console: Any) -> None:
    """Take over weights, unless the run goes on where an earlier start of it left off."""
    if config.init is None:
        return

    path = resolve(config.init, key="init") if config.init in EMBEDDED or is_address(config.init) else Path(config.init)
    if not path.is_file():
        raise UserError(f"init={config.init}: no such file")
    if options.resume == "auto" and options.last.is_file():
        return
    for transfer in start_from(module, path, strict=config.init_strict):
        console.print(str(transfer), markup=False)


def _options(config: DictConfig) -> "RunOptions":
    """The options of the run; the settings are checked first."""
    check(config)
    refuse_idle(idle(config, typed()), typed())
    refuse_missing_packages(config.logger)
    trainer = config.trainer
    return RunOptions(
        out=_folder(config),
        max_kimg=trainer.max_kimg,
        batch_size=config.batch_size,
        seed=config.seed,
        tick_kimg=config.tick_kimg,
        snapshot_kimg=config.snapshot_kimg,
        resume=config.resume,
        precision=trainer.precision,
        accelerator=trainer.accelerator,
        devices=trainer.devices,
        cluster=trainer.cluster,
        workers=_workers(config),
        num_threads=trainer.num_threads,
        fast_dev_run=trainer.fast_dev_run,
        grid=config.grid,
    )


def _images(config: DictConfig, console: Any) -> Any:
    """The data set, its images looked at first."""
    if config.data.path is None or not config.data.check:
        dataset = instantiate(config.model.dataset, Dataset)
    else:
        with progress("checking images", "images", console=console) as on_progress:
            dataset = instantiate(config.model.dataset, Dataset, progress=on_progress)
    for note in getattr(dataset, "notes", ()):
        console.print(note, markup=False)
    if skipped := getattr(dataset, "skipped", ()):
        console.print(f"left out {len(skipped)} images, the first: {skipped[0]}", markup=False)
    return dataset


def _quality(config: DictConfig, dataset: Any, module: "TrainingModule") -> "Quality | None":
    """What measures generated images, or None without `features`."""
    if not config.features or config.trainer.fast_dev_run:
        return None
    if not module.draws_images:
        raise UserError("features: this model draws no images that could be measured; add features=none")
    if len(dataset) * (1 + config.data.mirror) < 2:
        raise UserError(f"data.path={config.data.path}: measuring needs more than one image; add features=none")
    extractor = instantiate(config.features, FeatureExtractor)
    return Quality(extractor, dataset, mirror=config.data.mirror, **config.quality)


def _workers(config: DictConfig) -> int:
    """Processes that decode for each device: beside a GPU up to four, none where processors are busy training anyway.

    Raises:
        UserError: some beside CUDA graphs, since the thread that pins their images in memory breaks a recording.
    """
    graphs = bool(config.recipe and config.recipe.get("graphs"))
    if graphs and config.data.workers:
        raise UserError(f"data.workers={config.data.workers}: must be 0 with recipe.graphs=true")
    if config.data.workers is not None:
        return int(config.data.workers)
    if graphs or not _on_gpu(config):
        return 0
    return min(4, max(processors() // int(config.trainer.devices) - 1, 0))


def _on_gpu(config: DictConfig) -> bool:
    return torch.cuda.is_available() and config.trainer.accelerator in ("auto", "gpu", "cuda")


def _folder(config: DictConfig) -> Path:
    """The folder of the run; each run of a sweep has its own."""
    sweep = in_sweep()
    if sweep and config.trainer.devices > 1:  # the further processes would begin the sweep anew
        raise UserError(
            f"trainer.devices={config.trainer.devices}: must be 1 in a sweep; give each value a command of its own"
        )
    if config.out is not None:
        if sweep and f"out={config.out}" in sys.argv:
            raise UserError(f"out={config.out}: the runs of a sweep need a folder each; leave it away")
        return Path(config.out)
    if sweep:
        return Path(HydraConfig.get().runtime.output_dir)
    return Path("outputs/train") / str(config.model.name)


def _prepare_folder(config: DictConfig, options: "RunOptions", dataset: Any) -> None:

    text = OmegaConf.to_yaml(config, resolve=True)
    write_whole(options.out / "config.yaml", with_provenance(text))
    if not isinstance(dataset, Seeds):  # of which there is nothing to see
        write_png(options.out / "samples" / "real.png", real_grid(dataset, len(dataset), options.grid))


def _plain(config: DictConfig) -> Any:

    return OmegaConf.to_container(config, resolve=True)


def _headline(config: DictConfig, module: Any, dataset: Any) -> str:
    sizes = ", ".join(
        f"{name} {sum(p.numel() for p in network.parameters()) / 1e6:.2f} M"
        for name, network in module.named_children()
        if any(True for _ in network.parameters())
    )
    if isinstance(dataset, Seeds):
        return f"training {config.model.name}: pairs of {', '.join(module.generators)}, drawn from seeds; {sizes}"
    return f"training {config.model.name}: {len(dataset)} images {config.data.height} x {config.data.width}; {sizes}"


def _report(console: Any, options: "RunOptions", outcome: Any) -> None:
    if options.fast_dev_run:
        console.print("fast_dev_run: one step of every phase went well; nothing was kept")
        return
    if outcome.received is not None:
        name = outcome.received.name
        command = "the same command" if options.resume == "auto" else "the same command with resume=auto"
        console.print(f"stopped by {name} at {outcome.kimg:g} kimg; {command} goes on from there", markup=False)
        raise Stopped(outcome.received, said=True)
    if outcome.trained_kimg == 0:
        console.print(f"already trained to {outcome.kimg:g} kimg: raise trainer.max_kimg to go on, or resume=none")
    console.print(f"checkpoint  {options.last}", markup=False)
    if outcome.last_grid is not None:
        console.print(f"samples     {outcome.last_grid}", markup=False)
    if outcome.quality is not None and math.isfinite(outcome.quality.best):
        for name, best in outcome.quality.measured.items():
            found = f"{name} {best:.4f} at {outcome.quality.best_kimg:g} kimg"
            console.print(f"best        {options.out / 'best.ckpt'}: {found}", markup=False)
