"""A body for a given face, by CoModGAN and by InsetGAN, side by side.

    python refine.py mode=body_for_part starts=3 keep=3 seeds=0-4 batch_size=15 out=FOLDER
    python experiments/body_for_face.py FOLDER docs/body_for_face.png

Each row is a face: what CoModGAN was given, three of its completions, and three bodies that InsetGAN found. CoModGAN gets the
square of the face from each of the three InsetGAN images, so that both have the same face at the same place. Prints how
far the bodies of a face are from one another, mean absolute difference of pairs, 0 to 255.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from insetgan.completion.completion import complete
from insetgan.ops.images import from_uint8, to_uint8
from insetgan.ops.titles import FONT, HEAD, INK, PAPER
from insetgan.refine.measures import spread
from insetgan.runtime.errors import UserError
from insetgan.weights.store import load_network

GAP = 4
GREY = 128


def read_faces(run: Path) -> dict[int, list[dict[str, Any]]]:
    """The samples of a run by seed, those that have a face, as many of each seed."""
    faces: dict[int, list[dict[str, Any]]] = {}
    for sample in json.loads((run / "results.json").read_text())["samples"]:
        if "face" in (sample["box"] or {}):
            faces.setdefault(sample["seed"], []).append(sample)
    fewest = min(map(len, faces.values()), default=0)
    return {seed: samples[:fewest] for seed, samples in faces.items()}


def inset_images(run: Path, samples: list[dict[str, Any]]) -> tuple[Tensor, Tensor]:
    """Refined images, uint8 [n, H, W, 3], and what is known of them when only the face is, [n, 1, H, W]."""
    paths = [run / "samples" / f"{sample['name']}_refined.png" for sample in samples]
    images = torch.from_numpy(np.stack([np.asarray(Image.open(path)) for path in paths]))
    known = torch.zeros(len(images), 1, *images.shape[1:3])
    for row, sample in enumerate(samples):
        x0, y0, x1, y1 = sample["box"]["face"]
        known[row, :, y0:y1, x0:x1] = 1
    return images, known


def strip(images: list[Tensor]) -> Tensor:
    """Images [H, W, 3] in one row, with white between them."""
    white = torch.full((images[0].shape[0], GAP, 3), 255, dtype=torch.uint8)
    return torch.cat([piece for image in images for piece in (image, white)][:-1], 1)


def headed(rows: list[Tensor], width: int, count: int) -> Image.Image:
    """The rows, one below the other, under the names of their columns.

    Args:
        rows: uint8 [H, W, 3], each of what was given, `count` completions and `count` bodies.
        width: of one of these images.
        count: completions of a face.
    """
    white = torch.full((GAP, rows[0].shape[1], 3), 255, dtype=torch.uint8)
    figure = torch.cat([piece for row in rows for piece in (row, white)][:-1])
    sheet = Image.new("RGB", (figure.shape[1], HEAD + figure.shape[0]), PAPER)
    sheet.paste(Image.fromarray(figure.numpy()), (0, HEAD))
    pen = ImageDraw.Draw(sheet)
    for title, column in (("the face", 0), ("CoModGAN", 1), ("InsetGAN", 1 + count)):
        pen.text((column * (width + GAP), 3), title, INK, FONT)
    return sheet


def draw(run: Path, weights: str) -> tuple[Image.Image, dict[str, float]]:
    """The figure, and how far apart the bodies of a face are by either method, medians over the faces."""
    generator = load_network(weights, kind="comodgan")
    rows, apart = [], {"CoModGAN": [], "InsetGAN": []}  # type: tuple[list[Tensor], dict[str, list[float]]]
    for seed, samples in read_faces(run).items():
        images, known = inset_images(run, samples)
        seeds = range(100 * seed, 100 * seed + len(samples))
        completed = to_uint8(complete(generator, from_uint8(images), known, seeds))
        given = torch.where(known[0, 0, :, :, None] > 0, images[0], GREY).to(torch.uint8)
        rows.append(strip([given, *completed, *images]))
        if len(samples) > 1:
            apart["CoModGAN"].append(spread(completed))
            apart["InsetGAN"].append(spread(images))
    return headed(rows, images.shape[2], len(samples)), {name: statistics.median(v) for name, v in apart.items() if v}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run", type=Path, help="finished run of refine.py mode=body_for_part")
    options.add_argument("figure", type=Path, help="PNG to write")
    options.add_argument("--weights", default="comodgan", help="a CoModGAN; that of the package unless given")
    given = options.parse_args()
    if not (given.run / "results.json").exists() or not read_faces(given.run):
        options.error(f"{given.run}: holds no finished run with faces")
    try:
        figure, apart = draw(given.run, given.weights)
    except UserError as error:
        options.error(str(error))
    figure.save(given.figure)
    for name, value in apart.items():
        print(f"{name}: the bodies of a face differ by {value:.1f}")
    print(given.figure)


if __name__ == "__main__":
    main()
