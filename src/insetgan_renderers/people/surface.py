"""Meshes to be ray-cast: vertices with attributes, and what a hit looks like."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from insetgan_renderers.people.template import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]
BACKGROUND, FACE, HAND_LEFT, HAND_RIGHT, FEET, REST = range(6)
PART_LABELS = {"face": FACE, "hand_left": HAND_LEFT, "hand_right": HAND_RIGHT, "feet": FEET}
"""Part -> its value in a label image, in the order used everywhere."""


@dataclass(frozen=True)
class Hits:
    """n points on one surface: body coordinates [n, 6], world positions [n, 3], unit normals [n, 3]."""

    at: FloatArray
    position: FloatArray
    normal: FloatArray


@dataclass(frozen=True)
class Look:
    """Appearance of n points: sRGB albedo [n, 3] in 0..1, gloss [n] in 0..1, labels [n] uint8, bumped normals."""

    albedo: FloatArray
    gloss: FloatArray
    labels: npt.NDArray[np.uint8]
    normal: FloatArray


@dataclass(frozen=True)
class Surface:
    """A posed mesh.

    Attributes:
        vertices: [n, 3] float32 world positions.
        faces: [F, 3] triangles.
        attributes: [n, 6] float32 body coordinates, see ``fields.ATTRIBUTES``.
        covers: says for body coordinates whether the surface exists there (so that hems are exact curves), or None.
        look: gives the appearance of hits.
    """

    vertices: FloatArray
    faces: IntArray
    attributes: FloatArray
    covers: Callable[[FloatArray], BoolArray] | None
    look: Callable[[Hits], Look]


def vertex_normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """Area-weighted unit normals [n, 3]."""
    corners = vertices[faces]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.stack(
        [
            sum(np.bincount(faces[:, k], weights=flat[:, axis], minlength=len(vertices)) for k in range(3))
            for axis in range(3)
        ],
        axis=1,
    )
    total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    normals: FloatArray = total.astype(np.float32)
    return normals


def any_corner(chosen: BoolArray, faces: IntArray) -> BoolArray:
    """Triangles [F] of which any corner is among the chosen vertices [n]."""
    return chosen[faces[:, 0]] | chosen[faces[:, 1]] | chosen[faces[:, 2]]


def used_vertices(faces: IntArray, count: int) -> IntArray:
    """Sorted rows, of ``count``, that any triangle uses."""
    used = np.zeros(count, np.bool_)
    used[faces.ravel()] = True
    return np.flatnonzero(used)


def trim(surface: Surface) -> Surface:
    """Drop the triangles that lie wholly where the surface does not exist, and unused vertices."""
    faces = surface.faces
    if surface.covers is not None:
        # A narrow region can cross a triangle whose corners all lie outside it: neighbours are kept.
        there = surface.covers(surface.attributes)
        near = np.zeros_like(there)
        near[faces[any_corner(there, faces)]] = True
        faces = faces[any_corner(near, faces)]
    used = used_vertices(faces, len(surface.vertices))
    number = np.zeros(len(surface.vertices), np.int64)
    number[used] = np.arange(len(used))
    return Surface(surface.vertices[used], number[faces], surface.attributes[used], surface.covers, surface.look)
