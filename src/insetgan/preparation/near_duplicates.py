"""Photographs that look the same: copies in another size, format or quality."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from insetgan.preparation.verdict import Verdict
from insetgan.runtime.errors import UserError

_SIDE = 16  # of the hash, in bits
NEAR = 20
"""Bits of 256 in which the hashes of two images may differ that look the same."""

NEAR_COLOUR = 16
"""Steps of 255 in which the mean red, green and blue may differ: hashes know no colour, and flat images have one hash."""

_BLOCK = 512


def look_of(pixels: Tensor) -> str:
    """What an image uint8 [3, h, w] looks like: 64 digits of ImageHash's phash (16 x 16), and 6 of its mean colour.

    Raises:
        UserError: ImageHash is not installed.
    """
    try:
        import imagehash
    except ImportError as error:
        raise UserError("ImageHash is not installed: pip install 'insetgan[photos]'") from error
    height, width = pixels.shape[1:]
    factor = min(1.0, 256 / max(height, width))
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    small = functional.interpolate(pixels[None].float(), size, mode="bilinear", antialias=True)[0]
    image = Image.fromarray(small.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy())
    colour = bytes(small.mean(dim=(1, 2)).round().clamp(0, 255).to(torch.uint8).tolist())
    return str(imagehash.phash(image, hash_size=_SIDE)) + colour.hex()


def name_copies(verdicts: Sequence[Verdict], *, drop: bool) -> tuple[list[Verdict], list[str]]:
    """Find images that look like an earlier one.

    Args:
        verdicts: in order; only those that are kept are compared.
        drop: whether all but the first of each are dropped; else they are only named.

    Returns:
        The verdicts, and a line about the copies, if there are any.
    """
    kept = [index for index, verdict in enumerate(verdicts) if verdict.kept and verdict.look]
    if not kept:
        return list(verdicts), []
    known = np.array([np.frombuffer(bytes.fromhex(verdicts[index].look), np.uint8) for index in kept])
    bits, colours = np.unpackbits(known[:, :32], axis=1), known[:, 32:].astype(np.int16)
    found = list(verdicts)
    copies: list[tuple[str, str]] = []
    firsts = np.zeros(len(kept), bool)  # those that are no copies themselves
    for start in range(0, len(kept), _BLOCK):
        distances = _distances(bits[start : start + _BLOCK], bits[: start + _BLOCK])
        for row in range(len(distances)):
            place = start + row
            alike = np.abs(colours[:place] - colours[place]).max(axis=1) <= NEAR_COLOUR
            near = np.flatnonzero((distances[row, :place] <= NEAR) & alike & firsts[:place])
            firsts[place] = not len(near)
            if len(near):
                verdict, first = verdicts[kept[place]], verdicts[kept[int(near[0])]].name
                copies.append((verdict.name, first))
                said = f"looks like {first}"
                changed = replace(verdict, reason=said) if drop else replace(verdict, notes=(*verdict.notes, said))
                found[kept[place]] = changed
    if not copies:
        return found, []
    what = "dropped" if drop else "kept (source.duplicates=keep)"
    return found, [
        f"look like an earlier image and are {what}: {len(copies)}, the first {copies[0][0]} like {copies[0][1]}"
    ]


def _distances(some: np.ndarray, all_: np.ndarray) -> np.ndarray:
    """Number of different bits of each of some [n, 256] and each of all [m, 256]: [n, m]."""
    one, other = some.astype(np.float32), all_.astype(np.float32)
    return np.asarray(one.sum(1)[:, None] + other.sum(1)[None] - 2 * one @ other.T)
