"""Is the face of a refinement that was given one still that face? Reads a finished result folder.

python prepare.py +source=people data.num_images=200 data.seed=100000 out=outputs/data/heldout.zip
python refine.py mode=body_for_part parts.face.image=docs/face.png parts.face.align=whole seeds=0-7 out=outputs/given
python experiments/given_faces.py outputs/given outputs/data/heldout.zip

For each sample: how far the interior of the face is from the given image, the seam, and from how many of 100 other held-out
faces its identity is farther than from the given one.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

from insetgan.data.crops import part_dataset
from insetgan.data.image import read_rgb
from insetgan.metrics.identity import Identity, identity_rank
from insetgan.networks.layered import DELTA, SHARED
from insetgan.ops.images import to_uint8
from insetgan.runtime.tensors import open_tensors
from insetgan.weights.store import load_network

OTHERS = 100


def main(folder: Path, archive: str, weights: str = "face") -> None:
    generator, identity = load_network(weights, kind="generator"), Identity()
    faces = part_dataset(archive, "face", generator.height, generator.width, checked=False)
    others = torch.stack([faces[len(faces) - 1 - index].permute(1, 2, 0) for index in range(OTHERS)])
    results = json.loads((folder / "results.json").read_text())
    print(f"identity by {identity.embedding.title}")
    for sample in results["samples"]:
        name = sample["name"]
        given = torch.from_numpy(np.array(read_rgb(folder / "samples" / f"{name}_given_face.png")))
        with open_tensors(folder / "samples" / f"{name}.safetensors") as file:
            latents = {kind: file.get_tensor(f"face.{kind}")[None] for kind in (SHARED, DELTA)}
        result = to_uint8(generator.render(latents))[0]
        rank = identity_rank(identity, given, result, others)
        change, seam = sample["part_change"]["face"], sample["seam_after"]["face"]
        print(
            f"{name}: interior {change:.1f} of 255, seam {seam:.2f}, closer to the given face than to {rank} of {OTHERS}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
