"""Latents on disk, to start from: of a result folder, of one file of it, or of a projection."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor

from insetgan.networks.layered import DELTA, SHARED
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import file_digest
from insetgan.runtime.paths import read_path
from insetgan.runtime.record import read_record
from insetgan.runtime.tensors import open_tensors, read_arrays

INVERTED, FEATURES = "inverted", "features"
"""In a file of invert.py: latents that may start any generator with these weights, and the map of space=w+f."""

Codes = dict[str, Tensor]
"""Latents of one sample by name, such as shared (w*) [w_dim] and delta [num_ws, w_dim]."""


def read_codes(source: str, generator: str, seeds: Sequence[int], *, key: str) -> dict[int, Codes]:
    """Read the latents that samples start from.

    Args:
        source: the folder of a refinement, of which each sample takes the one of its own seed; its latents.safetensors; one
            of its samples; or an .npz with `w` [1, layers, w_dim], as StyleGAN2's projector writes. `source#3` or
            `source#3-1` takes that sample for all; so does a file that holds one alone.
        generator: whose latents, `canvas` or the name of a part.
        seeds: of the samples.
        key: what the setting is called, for messages.

    Returns:
        By seed.

    Raises:
        UserError: nothing there, nothing readable, or no latents of this generator or seed.
    """
    path, chosen = read_path(source, key=key), ""
    if not path.exists() and "#" in source:
        name, _, chosen = source.rpartition("#")
        path = read_path(name, key=key)
    if not path.exists():
        raise UserError(f"{key}={source}: no such file or folder; give seed, mean, seeds such as 3 or 0-3, or a path")
    try:
        if path.is_dir():
            return {seed: _of_folder(path, generator, chosen or str(seed)) for seed in seeds}
        if chosen and path.name != "latents.safetensors":
            raise UserError("holds one result, so #... says nothing")
        if path.suffix == ".npz":
            return dict.fromkeys(seeds, _of_projection(path))
        return _of_file(path, generator, seeds, chosen)
    except (SafetensorError, OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        if isinstance(error, UserError):
            raise UserError(f"{key}={source}: {error}") from error
        raise UserError(f"{key}={source}: holds no latents of {generator} that can be read ({error})") from error


def _of_folder(path: Path, generator: str, name: str) -> Codes:
    for candidate in (name, f"{name}-1"):
        if (file := path / "samples" / f"{candidate}.safetensors").is_file():
            _refuse_damaged(file)
            with open_tensors(file) as opened:
                return _latents(opened, generator)
    raise UserError(f"holds no sample {name}")


def _refuse_damaged(file: Path) -> None:
    """Raise UserError unless a file is what its record says; samples of version 0.1.0 have no record."""
    record = file.with_suffix(".json")
    if record.is_file():
        note = read_record(record)
        if note is None or note["pieces"].get(file.name) != file_digest(file):
            raise UserError(f"sample {file.stem} is damaged; the command that made it makes it again")


def _of_file(path: Path, generator: str, seeds: Sequence[int], chosen: str) -> dict[int, Codes]:
    with open_tensors(path) as file:
        if "seeds" not in file.keys():
            return dict.fromkeys(seeds, _latents(file, generator))
        known = {int(seed): row for row, seed in reversed(list(enumerate(file.get_tensor("seeds"))))}
        if chosen and not chosen.isdecimal():
            raise UserError(f"holds no sample {chosen}; name the folder for one of several results")
        wanted = [int(chosen)] * len(seeds) if chosen else list(seeds)
        if len(known) == 1 and not chosen:
            wanted = list(known) * len(seeds)
        for seed in wanted:
            if seed not in known:
                raise UserError(f"holds no sample {seed}")
        held = _latents(file, generator)
        return {
            seed: {name: tensor[known[of]] for name, tensor in held.items()}
            for seed, of in zip(seeds, wanted, strict=True)
        }


def _latents(file: Any, generator: str) -> Codes:
    if f"{INVERTED}.{FEATURES}" in file.keys():
        raise UserError("holds a feature map (space=w+f), which no refinement starts from; invert with another space")
    names = sorted(name for name in file.keys() if name.rpartition(".")[0] in (generator, INVERTED))
    if not names:
        raise KeyError(f"{generator}.*")
    held = {name.rpartition(".")[2]: file.get_tensor(name) for name in names}
    for tensor in held.values():
        if not tensor.dtype.is_floating_point:
            raise UserError(f"the latents of {generator} are whole numbers ({tensor.dtype}), must be float")
    return held


def _of_projection(path: Path) -> Codes:
    (array,) = read_arrays(path, ["w"])
    ws = torch.from_numpy(np.array(array, np.float32))
    if ws.dim() != 3 or len(ws) != 1:
        raise UserError(f"w must be [1, layers, w_dim], not {list(ws.shape)}")
    shared = ws[0].mean(0)
    return {SHARED: shared, DELTA: ws[0] - shared}
