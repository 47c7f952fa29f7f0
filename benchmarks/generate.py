"""Time generate.py's drawing against the bare forward rate of the network.

python benchmarks/generate.py                       # 1000 images of the embedded face
python benchmarks/generate.py --images 10000
python benchmarks/generate.py --device cuda --batch 64
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch
from rich.console import Console

from insetgan.generation.folder import LAYOUT, Images, blocks_of
from insetgan.generation.plan import SeedPlan
from insetgan.ops.images import seeded_latents
from insetgan.runtime.store import ResultFolder
from insetgan.weights.store import load_network


def main() -> None:
    """Draw in turns, bare and as the command does, so that a machine that others use slows both alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="face")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    generator = load_network(options.weights, kind="generator").to(options.device)
    share = max(options.batch, options.images // options.turns)
    bare = written = 0.0
    with tempfile.TemporaryDirectory() as folder:
        results = ResultFolder(Path(folder) / "run", "0" * 64, LAYOUT)
        images = Images(results)
        _bare(generator, range(options.batch), options.batch)  # the first batch chooses algorithms
        with results.open():
            for turn in range(options.turns):
                seeds = range(turn * share, (turn + 1) * share)
                bare += _bare(generator, seeds, options.batch)
                plan = SeedPlan(seeds, [0.7])
                began = time.perf_counter()
                images.draw(generator, plan, blocks_of(plan, options.batch), lambda _: None)
                written += time.perf_counter() - began
    count = share * options.turns
    Console().print(
        f"{count} images of {generator.height} x {generator.width}: bare forward {count / bare:.1f} images/s, drawn and "
        f"written {count / written:.1f} images/s, {bare / written:.0%}"
    )


@torch.inference_mode()
def _bare(generator: torch.nn.Module, seeds: range, batch: int) -> float:
    """Seconds that mapping and synthesis take, codes at hand and images left on the device."""
    z = seeded_latents(seeds, generator.z_dim).to(generator.mapping.w_avg.device)
    began = time.perf_counter()
    for first in range(0, len(z), batch):
        generator(z[first : first + batch])
    if z.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
