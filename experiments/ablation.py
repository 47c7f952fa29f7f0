"""The table of the ablation.

    python refine.py +experiments=ablation hydra.sweep.dir=FOLDER
    python experiments/ablation.py FOLDER

Beside what sweep.csv has it says what the coarse terms and the regularisers are there for: how far inset and canvas
differ over the whole box, and how far the codes are from w_avg and from one code for all layers. Medians over the samples.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf
from PIL import Image
from safetensors.torch import load_file

from insetgan.weights.store import load_network


def inside(run: Path, sample: dict[str, Any]) -> float:
    """Mean absolute difference of canvas and inset over the box, 0 to 255, as pasted."""
    x0, y0, x1, y1 = sample["box"]["face"]
    canvas, refined = (
        np.asarray(Image.open(run / "samples" / f"{sample['name']}_{name}.png"), float)
        for name in ("canvas", "refined")
    )
    return float(np.abs(canvas - refined)[y0:y1, x0:x1].mean())


def norms(run: Path) -> dict[str, float]:
    """Medians over the samples of the L2 norms of w* - w_avg, and of the sum over layers of those of delta_i."""
    codes = load_file(run / "latents.safetensors")
    config = OmegaConf.load(run / "config.yaml")
    found = {}
    for name, weights in {"canvas": config.canvas.weights, "face": config.parts.face.weights}.items():
        average = load_network(weights).mapping.w_avg
        found[f"w {name}"] = float((codes[f"{name}.shared"] - average).norm(dim=-1).median())
        found[f"delta {name}"] = float(codes[f"{name}.delta"].norm(dim=-1).sum(-1).median())
    return found


def row(run: Path) -> dict[str, float]:
    """Medians of one run, over the samples that have a face."""
    found = json.loads((run / "results.json").read_text())["samples"]
    samples = [sample for sample in found if "face" in (sample["box"] or {})]
    figures = {
        "seam": [sample["seam_after"]["face"] for sample in samples],
        "band": [sample["band_after"]["face"] for sample in samples],
        "inside": [inside(run, sample) for sample in samples],
        "canvas change": [sample["body_change"] for sample in samples],
    }
    return {name: statistics.median(values) for name, values in figures.items()} | norms(run)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    folder = options.parse_args().folder
    runs = [path.parent for path in folder.glob("*_*drop=*/results.json")]
    if not runs:
        options.error(f"{folder}: holds no finished run of the ablation")
    runs.sort(key=lambda run: int(run.name.partition("_")[0]))
    rows = {run.name.partition("drop=")[2]: row(run) for run in runs}
    names = list(next(iter(rows.values())))
    print(f"| without | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    for name, values in rows.items():
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in values.values())} |")


if __name__ == "__main__":
    main()
