"""Forward and inverse kinematics of the body's rig, and its skinning."""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from insetgan_renderers.people.template import FloatArray, Template

Array = npt.NDArray[np.float64]


def unit(vector: Array) -> Array:
    """The vector scaled to length 1."""
    length: Array = np.linalg.norm(vector, axis=-1, keepdims=True)
    return vector / np.maximum(length, 1e-9)


def cross(a: Array, b: Array) -> Array:
    """Cross product of two vectors [3]; numpy's own spends its time on shapes."""
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def rotation(axis: Array, angle: float) -> Array:
    """Rotation matrix about an axis by an angle in radians (Rodrigues)."""
    x, y, z = (float(v) for v in axis)
    length = math.sqrt(x * x + y * y + z * z)
    x, y, z, c, s = x / length, y / length, z / length, math.cos(angle), math.sin(angle)
    d = 1 - c
    return np.array(
        [
            [c + x * x * d, x * y * d - z * s, x * z * d + y * s],
            [x * y * d + z * s, c + y * y * d, y * z * d - x * s],
            [x * z * d - y * s, y * z * d + x * s, c + z * z * d],
        ]
    )


def frame(direction: Array, side: Array) -> Array:
    """Orthonormal columns: the direction, the part of side square to it, and their cross product."""
    first = unit(direction)
    second = unit(side - first * float(first @ side))
    return np.stack([first, second, cross(first, second)], axis=1)


def bend(start: Array, end: Array, upper: float, lower: float, pole: Array) -> Array:
    """Middle joint of a two-bone limb from start to end that bends towards the pole direction."""
    along = end - start
    reach = float(np.clip(np.linalg.norm(along), abs(upper - lower) + 1e-4, (upper + lower) * 0.9995))
    along = unit(along)
    side = unit(pole - along * float(along @ pole))
    cosine = (upper**2 + reach**2 - lower**2) / (2 * upper * reach)
    height = upper * float(np.sqrt(max(0.0, 1 - cosine**2)))
    return start + along * upper * cosine + side * height


@dataclass
class Rig:
    """A posed skeleton. ``turns[b]`` is a bone's rotation from the unposed body, in world axes.

    Every bone that is not set follows its parent. ``solve`` must run before positions are read.
    """

    template: Template
    heads: Array
    turns: dict[int, Array] = field(default_factory=dict)
    root: Array = field(default_factory=lambda: np.zeros(3))
    linear: Array = field(init=False)
    offset: Array = field(init=False)

    def __post_init__(self) -> None:
        """Start unposed."""
        count = len(self.template.bones)
        self.linear, self.offset = np.empty((count, 3, 3)), np.empty((count, 3))
        self.solve()

    def index(self, name: str) -> int:
        """Number of a bone."""
        return self.template.bones.index(name)

    def rest(self, name: str) -> Array:
        """Head of a bone in the unposed body, [3]."""
        head: Array = self.heads[self.index(name)]
        return head

    def turn(self, name: str, matrix: Array) -> None:
        """Set the world rotation of a bone relative to the unposed body."""
        self.turns[self.index(name)] = matrix

    def world(self, name: str) -> Array:
        """World rotation of a bone, [3, 3]."""
        matrix: Array = self.linear[self.index(name)]
        return matrix

    def head(self, name: str) -> Array:
        """Posed head of a bone, [3]."""
        bone = self.index(name)
        position: Array = self.linear[bone] @ self.heads[bone] + self.offset[bone]
        return position

    def solve(self, root: str | None = None) -> None:
        """Propagate rotations outwards from the root of the body, or from one bone to its descendants only."""
        bones = range(len(self.template.bones)) if root is None else self._descendants(self.index(root))
        for bone in bones:
            parent = self.template.parents[bone]
            inherited = np.eye(3) if parent < 0 else self.linear[parent]
            at = self.heads[bone]
            where = at + self.root if parent < 0 else inherited @ at + self.offset[parent]
            self.linear[bone] = self.turns.get(bone, inherited)
            self.offset[bone] = where - self.linear[bone] @ at

    def _descendants(self, top: int) -> list[int]:
        chosen = {top}
        for bone in range(top + 1, len(self.template.bones)):
            if int(self.template.parents[bone]) in chosen:
                chosen.add(bone)
        return sorted(chosen)

    def skin(self, vertices: FloatArray, rows: npt.NDArray[np.int64] | None = None) -> FloatArray:
        """Linear blend skinning of unposed vertices [V, 3]; with rows, of those vertices only."""
        weights = self.template.weights if rows is None else self.template.weights[rows]
        points = vertices if rows is None else vertices[rows]
        table = np.concatenate([self.linear.reshape(-1, 9), self.offset], axis=1).astype(np.float32)
        blended = weights @ table
        posed: FloatArray = np.matmul(blended[:, :9].reshape(-1, 3, 3), points[:, :, None])[:, :, 0] + blended[:, 9:]
        return posed


def build_rig(template: Template, vertices: FloatArray) -> Rig:
    """The unposed rig of a shaped body."""
    return Rig(template, np.asarray(template.heads @ vertices.astype(np.float64)))
