"""Inversions in their result folder: the image as the generator sees it, each reconstruction, and the latents."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from insetgan.data.image import read_rgb
from insetgan.inversion.inverter import Reconstruction
from insetgan.metrics.reconstruction import FIGURES
from insetgan.ops.images import encode_png, to_uint8
from insetgan.refine.latent_file import INVERTED
from insetgan.refine.latents import Latents
from insetgan.runtime.store import Content, Layout, ResultFolder

LAYOUT = Layout(
    kind="invert",
    title="inversions",
    pieces=r"[A-Za-z0-9.-]+(_(original|encoder|mean|projected|tuned)\.png|(_tuned)?\.safetensors|\.json)",
    folder="samples",
    gathered=("results.json", "sheet.png"),
)

SUFFIXES = {"encoder": "encoder", "tuned": "tuned"}
"""Ends the name of a reconstruction's image, by the first word of its method; others are "projected"."""


class Inversions:
    """The inversions of a run.

    Args:
        folder: in which they are kept.
    """

    def __init__(self, folder: ResultFolder) -> None:
        self.folder = folder

    def finished(self, name: str, depends: Any) -> bool:
        """Whether an inversion stands whole, made of this."""
        return self.folder.finished(name, depends)

    def add(
        self,
        name: str,
        original: Tensor,
        made: Sequence[Reconstruction],
        row: int,
        *,
        measured: Sequence[Mapping[str, float]],
        depends: Any,
        data: Mapping[str, Any],
        tuned: Content | None = None,
    ) -> None:
        """Write the inversion of one image.

        Args:
            name: of its files.
            original: as the generator sees it, [1, 3, height, width] in [-1, 1].
            made: the reconstructions of its batch, the best last.
            row: of the image in the batch.
            measured: figures of each reconstruction of this image.
            depends: what it depends on beside the settings.
            data: further values of its record.
            tuned: the tuned generator's file.
        """
        pieces: dict[str, Content] = {f"{name}_original.png": encode_png(to_uint8(original)[0])}
        for each in made:
            row_of = min(row, len(each.images) - 1)  # tuning is of one image
            pieces[f"{name}_{suffix_of(each.method)}.png"] = encode_png(to_uint8(each.images[row_of : row_of + 1])[0])
        latents = [each.latents for each in made if not each.method.startswith("tuned")][-1]
        pieces[f"{name}.safetensors"] = save(latent_row(latents, row))
        if tuned is not None:
            pieces[f"{name}_tuned.safetensors"] = tuned
        methods = [
            {"method": each.method, "seconds": round(each.seconds, 4), **figures}
            for each, figures in zip(made, measured, strict=True)
        ]
        self.folder.add(name, pieces, depends=depends, data={**data, "methods": methods})

    def record(self, name: str) -> dict[str, Any]:
        """What is known of a finished inversion, as results.json has it."""
        return {"name": name, **self.folder.data(name)}

    def images(self, name: str) -> list[tuple[str, Path]]:
        """Method and file of the original and of each reconstruction."""
        methods = [each["method"] for each in self.folder.data(name)["methods"]]
        files = [("original", "original"), *((method, suffix_of(method)) for method in methods)]
        return [(method, self.folder.results / f"{name}_{suffix}.png") for method, suffix in files]

    def original(self, name: str) -> Any:
        """The image as the generator saw it, one of Pillow's."""
        return read_rgb(self.folder.results / f"{name}_original.png")


def suffix_of(method: str) -> str:
    """Ends the name of a reconstruction's image."""
    return SUFFIXES.get(method, "projected")


def latent_row(latents: Latents, row: int) -> dict[str, Tensor]:
    """Latents of one sample as a file holds them; they may start any generator with these weights."""
    found = {f"{INVERTED}.{name}": tensor[row] for name, tensor in latents.tensors.items()}
    return {key: value.detach().float().cpu().contiguous().clone() for key, value in found.items()}


def summarise(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Medians over the images, of each method in its order."""
    methods = list(dict.fromkeys(each["method"] for record in records for each in record["methods"]))
    found = []
    for method in methods:
        rows = [each for record in records for each in record["methods"] if each["method"] == method]
        figures = {name: statistics.median(row[name] for row in rows) for name in (*FIGURES, "seconds")}
        found.append({"method": method, "images": len(rows), **figures})
    return found
