"""How well people are found in photographs: rendered people with exact boxes, put in front of photographs.

    python experiments/photographs.py FOLDER docs/photographs.png

Renders 100 people (or takes those that lie in FOLDER/renders from an earlier run), puts each at a random place in front of a
photograph of scikit-image's, finds the people and compares boxes and masks with the renderer's. Looks at scikit-image's
photographs without people as well. Prints a table, writes FOLDER/report.json, and draws what was found.
"""

import argparse
import io
import json
import statistics
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import skimage
import torch
from PIL import Image
from torch import Tensor

from insetgan.data.person import PART_NAMES
from insetgan.detection.people import Person, PhotoPeople
from insetgan.detection.single_shot import overlaps
from insetgan.preparation.drawing import draw_people

SEED, SIZE = 800_000, (512, 256)
"""First seed of the rendered people, none of which the shares in `detection.body_parts` were fitted to; and their (H, W)."""
SCENES = ("coffee.png", "rocket.jpg", "chelsea.png", "motorcycle_left.png", "grass.png", "gravel.png", "brick.png",
          "hubble_deep_field.jpg", "ihc.png", "retina.jpg")  # fmt: skip
FITS = {"face": 0.6, "hand_left": 0.4, "hand_right": 0.4, "feet": 0.4}
"""The median IoU that is asked for."""
COLUMNS, SIDE = 8, 240


def render(folder: Path, seed: int, index: int) -> Path:
    """One rendered person with its labels and boxes, unless it lies there."""
    path = folder / f"{seed + index}.npz"
    if not path.exists():
        from insetgan_renderers.people.render import render_person

        person = render_person(seed + index, *SIZE)
        stream = io.BytesIO()
        labels = person.labels.astype(np.uint8)
        boxes = json.dumps(person.boxes, default=int)
        np.savez_compressed(stream, image=person.image, labels=labels, boxes=np.array(boxes))
        path.write_bytes(stream.getvalue())
    return path


def scene(index: int, size: tuple[int, int]) -> np.ndarray:
    """A photograph without people, uint8 [h, w, 3], scaled to hold the size."""
    image = Image.open(Path(skimage.__file__).parent / "data" / SCENES[index % len(SCENES)]).convert("RGB")
    factor = max(size[0] / image.height, size[1] / image.width)
    whole = image.resize((round(image.width * factor) + 1, round(image.height * factor) + 1))
    return np.array(whole)[: size[0], : size[1]].copy()


def photograph(path: Path, index: int) -> tuple[Tensor, dict[str, Any], np.ndarray]:
    """A person in front of a scene, as a JPEG of quality 90 gives it: uint8 [3, h, w], true boxes, true mask."""
    generator = np.random.default_rng(index)
    size = (int(generator.integers(560, 760)), int(generator.integers(420, 900)))
    top, left = int(generator.integers(size[0] - SIZE[0])), int(generator.integers(size[1] - SIZE[1]))
    photo, mask = scene(index, size), np.zeros(size, bool)
    with np.load(path) as person:
        there = person["labels"] > 0
        photo[top : top + SIZE[0], left : left + SIZE[1]][there] = person["image"][there]
        mask[top : top + SIZE[0], left : left + SIZE[1]] = there
        boxes = json.loads(str(person["boxes"]))
    moved = {part: box and [box[0] + left, box[1] + top, box[2] + left, box[3] + top] for part, box in boxes.items()}
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "JPEG", quality=90)
    pixels = np.array(Image.open(stream))
    return torch.from_numpy(pixels).permute(2, 0, 1), moved, mask


def compare(people: list[Person], boxes: dict[str, Any], mask: np.ndarray) -> dict[str, Any]:
    """What was found of one photograph against the truth: IoU by part, 0 where it was missed, None where it is hidden."""
    person = people[0] if people else Person()
    found: dict[str, Any] = {"people": len(people), "iou": {}, "hidden": {}, "missed": []}
    for part in PART_NAMES:
        box = person.boxes.get(part)
        if boxes[part] is None:
            found["hidden"][part] = box is not None
        else:
            found["iou"][part] = 0.0 if box is None else float(overlaps(np.array(box.box), np.array([boxes[part]]))[0])
            found["missed"] += [part] if box is None else []
    seen = np.zeros_like(mask) if person.mask is None else (person.mask > 0.5).numpy()
    found["mask"] = float((seen & mask).sum() / (seen | mask).sum())
    return found


def summary(rows: list[dict[str, Any]], empty: Iterable[int]) -> dict[str, Any]:
    """Medians and counts over all photographs."""
    parts = {}
    for part in PART_NAMES:
        values = [row["iou"][part] for row in rows if part in row["iou"]]
        hidden = [row["hidden"][part] for row in rows if part in row["hidden"]]
        parts[part] = {
            "n": len(values),
            "median": statistics.median(values),
            "asked": FITS[part],
            "missed": sum(value == 0 for value in values),
            "hidden": len(hidden),
            "reported though hidden": sum(hidden),
        }
    return {
        "parts": parts,
        "mask": statistics.median(row["mask"] for row in rows),
        "photographs": len(rows),
        "one person": sum(row["people"] == 1 for row in rows),
        "people in empty scenes": list(empty),
        "seconds": statistics.median(row["seconds"] for row in rows),
    }


def sheet(drawings: list[Image.Image]) -> Image.Image:
    """Drawings in rows, each as high as `SIDE`."""
    tiles = [drawing.resize((round(drawing.width * SIDE / drawing.height), SIDE)) for drawing in drawings]
    rows = [tiles[first : first + COLUMNS] for first in range(0, len(tiles), COLUMNS)]
    width = max(sum(tile.width + 4 for tile in row) for row in rows)
    whole = Image.new("RGB", (width, len(rows) * (SIDE + 4)), (255, 255, 255))
    for number, row in enumerate(rows):
        left = 0
        for tile in row:
            whole.paste(tile, (left, number * (SIDE + 4)))
            left += tile.width + 4
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("figure", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    renders = chosen.folder / "renders"
    renders.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(chosen.workers) as pool:
        paths = list(pool.map(partial(render, renders, chosen.seed), range(chosen.count)))
    finder, rows, drawings = PhotoPeople(), [], []
    for index, path in enumerate(paths):
        photo, boxes, mask = photograph(path, index)
        began = time.perf_counter()
        people = finder.find(photo, "")
        rows.append(compare(people, boxes, mask) | {"seconds": time.perf_counter() - began})
        if index < 2 * COLUMNS - 1:  # the portrait comes first
            drawings.append(draw_people(photo, people))
    astronaut = Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png").convert("RGB")
    portrait = torch.from_numpy(np.array(astronaut)).permute(2, 0, 1)
    drawings.insert(0, draw_people(portrait, finder.find(portrait, "")))
    empty = [len(finder.find(torch.from_numpy(scene(index, (512, 512))).permute(2, 0, 1), "")) for index in range(10)]
    report = summary(rows, empty)
    (chosen.folder / "report.json").write_text(json.dumps(report | {"rows": rows}, indent=1))
    sheet(drawings).quantize(200).save(chosen.figure, optimize=True)
    for part, numbers in report["parts"].items():
        words = [f"{key} {value if isinstance(value, int) else round(value, 3)}" for key, value in numbers.items()]
        print(f"{part:11}", "  ".join(words))
    print({key: value for key, value in report.items() if key != "parts"})


if __name__ == "__main__":
    main()
