"""The samples of a refinement in its result folder: images, latents, curves and measures of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from insetgan.detection.placement import Placement
from insetgan.metrics.measures import MEASURES, Measure
from insetgan.ops.images import encode_png, to_uint8
from insetgan.refine.gathered import CURVE
from insetgan.refine.measures import measure, spread
from insetgan.refine.problem import Result
from insetgan.refine.ranking import sample_names
from insetgan.runtime.store import Content, Layout, ResultFolder
from insetgan.runtime.tensors import open_tensors

IMAGES = ("canvas", "paste", "refined")
"""The images of each sample, `samples/<name>_<image>.png`."""

LAYOUT = Layout(
    kind="refine",
    title="results",
    pieces=r"\d+(-\d+|-to-\d+-\d+)?(\.json|\.safetensors|\.mp4|_(canvas|paste|refined|photo|start|(given|mask)_\w+)\.png)",
    folder="samples",
    gathered=(
        "results.json",
        "latents.safetensors",
        "curves.csv",
        "curves.png",
        "sheet.png",
        "report.html",
        "walk.mp4",
        "matrix.png",
    ),
)

State = tuple[dict[str, dict[str, Tensor]], dict[str, Placement]]
"""Latents by generator and name, each [1, ...], and placements by part, of one sample."""

Finish = Callable[[str, int, Result, int], Mapping[str, Content]]
"""Further files of a result, and those that take the place of its images, by name, seed, result and row."""

EncodeFilm = Callable[[Path, Sequence[Any]], object]
"""Writes frames to a path as a film."""


@dataclass(frozen=True)
class RefinedSamples:
    """The samples of a refinement.

    A sample has one result, named by its seed, or several; see `ranking.sample_names`. The samples of a walk are its images,
    counted from 0. Each result consists of three images, a file of latents and curves, and a film if one was recorded.

    Attributes:
        folder: in which they are kept.
        keep: results of each sample.
        origin: what decides the start of a sample beside its seed and the settings, such as the run that it goes on from.
        encode_film: for films, which are left out without it.
        walk: names of the images of a walk, by number (`walk.image_names`); empty where the samples are seeds.
        measures: the numbers that are taken of each result.
        finish: gives further files of each result, such as the photograph into which it goes back.
        images: those of `IMAGES` that are written.
        masks: whether the masks of the parts are written, `<name>_mask_<part>.png`, where the refinement has them.
    """

    folder: ResultFolder
    keep: int = 1
    origin: Callable[[int], str] = lambda seed: ""
    encode_film: EncodeFilm | None = None
    walk: Sequence[str] = ()
    measures: Sequence[Measure] = MEASURES
    finish: Finish | None = None
    images: Sequence[str] = IMAGES
    masks: bool = False

    def finished(self, seed: int, block: Sequence[int]) -> bool:
        """Whether all results of a sample are finished.

        Args:
            seed: of the sample.
            block: the seeds it is computed together with. A sample rounds a little differently in another block, so that
                one from another block would make the images depend on what was run before.
        """
        depends = self._depends(seed, block)
        return all(self.folder.finished(name, depends) for name in self.names([seed]))

    def _depends(self, seed: int, block: Sequence[int]) -> dict[str, Any]:
        return {"block": list(block), "origin": self.origin(seed)}

    def add(self, seeds: Sequence[int], result: Result, films: Sequence[Sequence[Any]] = ()) -> None:
        """Measure and write the results of a block, except those that are finished already.

        Args:
            seeds: of the block.
            result: `keep` rows for each seed, the best first.
            films: frames of each row, if they were recorded.
        """
        images = {name: to_uint8(getattr(result, name)) for name in IMAGES}
        for row, record in enumerate(measure(result, self.measures)):
            seed, rank = seeds[row // self.keep], row % self.keep
            name, depends = self.names([seed])[rank], self._depends(seed, seeds)
            if self.folder.finished(name, depends):
                continue
            pieces: dict[str, Content] = {
                f"{name}_{image}.png": encode_png(images[image][row]) for image in self.images
            }
            for part, cover in result.covers.items() if self.masks else ():
                pieces[f"{name}_mask_{part}.png"] = encode_png((cover[row, 0] * 255).round().byte().cpu())
            if self.encode_film is not None and films and len(films[row]):
                pieces[f"{name}.mp4"] = _film(self.encode_film, films[row])
            pieces[f"{name}.safetensors"] = save(_tensors(result, row))
            if self.finish is not None:
                unwanted = {f"{name}_{image}.png" for image in IMAGES if image not in self.images}
                further = self.finish(name, seed, result, row)
                pieces |= {piece: content for piece, content in further.items() if piece not in unwanted}
            kept = images["refined"][row - rank : row - rank + self.keep]
            difference = spread(kept) if self.keep > 1 else None
            data = {
                "record": {"name": name, "seed": _seed_of(name), **record, "spread": difference},
                "best_step": int(result.best_step[row]),
                "anchors": {part: placed.anchors[row].tolist() for part, placed in result.placements.items()},
            }
            self.folder.add(name, pieces, depends=depends, data=data)

    def names(self, seeds: Sequence[int]) -> list[str]:
        """Names of the results of these samples, in their order."""
        if self.walk:
            return [self.walk[number] for number in seeds]
        return [name for seed in seeds for name in sample_names(seed, self.keep)]

    def record(self, name: str) -> dict[str, Any]:
        """What was measured of a finished result, as results.json has it.

        Raises:
            UserError: it is missing or damaged.
        """
        record: dict[str, Any] = self.folder.data(name)["record"]
        return record

    def image(self, name: str, image: str) -> Path:
        """File of one of the `IMAGES` of a result."""
        return self.folder.results / f"{name}_{image}.png"

    def tensors(self, name: str) -> Path:
        """File of the latents and curves of a result."""
        return self.folder.results / f"{name}.safetensors"

    def state(self, name: str) -> State | None:
        """Where a finished result ended, or None if its refinement never began.

        Raises:
            UserError: it is missing or damaged.
        """
        data = self.folder.data(name)
        boxes = data["record"]["box"]
        if boxes is None:
            return None
        with open_tensors(self.tensors(name)) as file:
            found = {key: file.get_tensor(key)[None] for key in file.keys() if not key.startswith(CURVE)}
        latents: dict[str, dict[str, Tensor]] = {}
        for key, tensor in found.items():
            generator, _, kind = key.rpartition(".")
            latents.setdefault(generator, {})[kind] = tensor
        placements = {}
        for part, anchor in data["anchors"].items():
            present = torch.tensor([part in boxes])
            box = torch.tensor([boxes.get(part) or [0, 0, 1, 1]])
            placements[part] = Placement(box, torch.tensor([anchor], dtype=torch.double), present, present)
        return latents, placements


def _seed_of(name: str) -> int | None:
    """The seed of a result; None for an image of a walk that stands between two."""
    return None if "-to-" in name else int(name.partition("-")[0])


def _film(encode: EncodeFilm, frames: Sequence[Any]) -> Content:
    return lambda path: encode(path, frames)


def _tensors(result: Result, row: int) -> dict[str, Tensor]:
    tensors = {}
    for name, latents in result.latents.items():
        for kind, tensor in latents.tensors.items():
            tensors[f"{name}.{kind}"] = tensor[row].detach().cpu().clone()
    for name, curve in result.curves.items():
        tensors[f"{CURVE}{name}"] = curve[row, : int(result.steps[row]) + 1].float().clone()
    return tensors
