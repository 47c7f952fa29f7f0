"""How close inversions come, and how fast: the table of docs/photos.md.

python prepare.py +source=people data.num_images=200 data.seed=100000 data.height=256 out=outputs/data/heldout.zip
python benchmarks/inversion.py --weights face --images outputs/data/heldout.zip --count 64

Held-out renders, and the generator's own samples (truth known), each by projection from the mean, by the encoder alone, and by
the encoder and 30 steps. Numbers are means over the images; seconds are those of one image in batches of --batch, and alone.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from insetgan.cli.encoder_images import generator_crop
from insetgan.cli.rules import register_rules
from insetgan.inversion.images import EncoderImages
from insetgan.inversion.inverter import Inverter, find_encoder
from insetgan.inversion.projector import Projector
from insetgan.metrics.reconstruction import FIGURES, reconstruction_figures
from insetgan.ops.images import from_uint8, seeded_latents
from insetgan.weights.store import load_network

FIRST_SEED = 5000  # of samples; none of the trainings' validation


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    register_rules()  # by which conf/parts says its margins
    generator, features = load_network(arguments.weights, kind="generator"), load_network("parts")
    sets = {"renders": _renders(arguments, generator), "samples": _samples(generator, arguments.count)}
    encoder = find_encoder(generator, arguments.encoder)
    ways = {f"mean + {arguments.steps} steps": (None, arguments.steps)}
    if encoder is not None:
        ways |= {"encoder": (encoder, 0), "encoder + 30 steps": (encoder, 30)}
    if arguments.only:
        ways = {name: way for name, way in ways.items() if name == arguments.only}
    known = json.loads(arguments.out.read_text()) if arguments.out.is_file() else {}
    for name, images in sets.items():
        for way, (start, steps) in ways.items():
            options = {"steps": steps, "space": arguments.space}
            inverter = Inverter(generator, Projector(**options), start, arguments.passes, features)
            row = _measured(inverter, images, arguments.batch, features)
            known[f"{arguments.weights}, {name}, {way}"] = row
            print(f"{arguments.weights} {name} {way}: {row}", flush=True)
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            arguments.out.write_text(json.dumps(known, indent=1) + "\n")
    if arguments.speed:
        _speed(generator, features, sets["renders"], arguments.batch)


def _measured(inverter: Inverter, images: Tensor, batch: int, features: Any) -> dict[str, float]:
    figures: dict[str, list[Tensor]] = {name: [] for name in FIGURES}
    seconds = 0.0
    for block in images.split(batch):
        began = time.process_time()
        made = inverter.invert(block)[-1]
        seconds += time.process_time() - began
        for name, values in reconstruction_figures(block, made.images, features).items():
            figures[name].append(values)
    row = {name: round(float(torch.cat(values).mean()), 5) for name, values in figures.items()}
    return {**row, "images": len(images), "seconds": round(seconds / len(images), 4)}


def _speed(generator: Any, features: Any, images: Tensor, batch: int) -> None:
    """Throughput of batches over that of one by one, 20 steps each."""
    inverter = Inverter(generator, Projector(steps=20), None, None, features)
    took = []
    for blocks in ([images[:batch]], list(images[:4].split(1))):
        began = time.process_time()
        for block in blocks:
            inverter.invert(block)
        took.append((time.process_time() - began) / sum(map(len, blocks)))
    print(
        f"20 steps: {took[0]:.3f} s an image in a batch of {batch}, {took[1]:.3f} s alone, {took[1] / took[0]:.2f} times"
    )


def _renders(arguments: argparse.Namespace, generator: Any) -> Tensor:
    crop = generator_crop(arguments.weights, None)
    images = EncoderImages(arguments.images, generator.height, generator.width, crop_of=crop, held_out=0, checked=False)
    chosen = torch.stack([images[index] for index in range(arguments.count)])
    return from_uint8(chosen.permute(0, 2, 3, 1))


@torch.no_grad()
def _samples(generator: Any, count: int) -> Tensor:
    z = seeded_latents(range(FIRST_SEED, FIRST_SEED + count), generator.z_dim)
    return torch.cat([generator(row).clamp(-1, 1) for row in z.split(16)])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="face")
    parser.add_argument("--images", required=True, help="archive of held-out people")
    parser.add_argument("--encoder", default=None, help="file; an embedded one unless given")
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--passes", type=int, default=None)
    parser.add_argument("--space", default="w*")
    parser.add_argument("--only", default=None, help="one way, such as 'encoder'")
    parser.add_argument("--speed", action="store_true", help="compare batches with one by one")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("outputs/inversion.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
