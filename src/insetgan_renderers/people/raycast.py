"""Ray casting of several surfaces at once, with surfaces that exist only where their ``covers`` says so."""

from dataclasses import dataclass

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh

from insetgan_renderers.people.surface import BoolArray, Surface, any_corner, vertex_normals
from insetgan_renderers.people.template import FloatArray, IntArray

_STEP = np.float32(2e-5)
_LAYERS = 6


@dataclass(frozen=True)
class Cast:
    """First visible hits: ``ray`` [m] indexes the rays that hit; the rest has a row for each of those.

    ``surface`` is the number of the surface; ``at`` [m, 6] are body coordinates; ``position`` and ``normal`` [m, 3]
    are in the world, the normal turned towards the viewer.
    """

    ray: IntArray
    surface: IntArray
    at: FloatArray
    position: FloatArray
    normal: FloatArray


class Scene:
    """All surfaces of an image in one acceleration structure."""

    def __init__(self, surfaces: list[Surface]) -> None:
        """Build from surfaces; which one hides which is a matter of distance only."""
        self.surfaces = surfaces
        starts = np.cumsum([0] + [len(s.vertices) for s in surfaces])
        self.vertices = np.concatenate([s.vertices for s in surfaces]).astype(np.float32)
        self.faces = np.concatenate([s.faces + start for s, start in zip(surfaces, starts, strict=False)])
        self.owner = np.repeat(np.arange(len(surfaces)), [len(s.faces) for s in surfaces])
        self.partial = np.concatenate([_partial(s) for s in surfaces])
        self.attributes = np.concatenate([s.attributes for s in surfaces]).astype(np.float32)
        normals = np.concatenate([vertex_normals(s.vertices, s.faces) for s in surfaces])
        self.table = np.concatenate([self.attributes, self.vertices, normals], axis=1)
        self._scene = rtcore_scene.EmbreeScene()
        TriangleMesh(self._scene, self.vertices, self.faces.astype(np.int32))

    def _blend(self, table: FloatArray, triangle: IntArray, u: FloatArray, v: FloatArray) -> FloatArray:
        """Values of a per-vertex table at barycentric coordinates of triangles."""
        values: FloatArray = np.take(table, self.faces[triangle, 0], axis=0)
        values *= (1 - u - v)[:, None]
        for corner, weight in ((1, u), (2, v)):
            part = np.take(table, self.faces[triangle, corner], axis=0)
            part *= weight[:, None]
            values += part
        return values

    def _hit(self, origins: FloatArray, ways: FloatArray) -> tuple[IntArray, IntArray, FloatArray, BoolArray]:
        """Rows that hit, their triangles, [m, 3] of (u, v, distance), and whether the surface exists there."""
        found = self._scene.run(origins, ways, query="INTERSECT", output=True)
        triangle = np.asarray(found["primID"])
        rows = np.flatnonzero(triangle >= 0)
        triangle = triangle[rows].astype(np.int64)
        where = np.stack([np.asarray(found[key], np.float32)[rows] for key in ("u", "v", "tfar")], axis=1)
        there = np.ones(len(rows), bool)
        doubtful = np.flatnonzero(self.partial[triangle])
        owner = self.owner[triangle[doubtful]]
        for number in np.unique(owner):
            mine = doubtful[owner == number]
            at = self._blend(self.attributes, triangle[mine], where[mine, 0], where[mine, 1])
            covers = self.surfaces[number].covers
            if covers is not None:
                there[mine] = covers(at)
        return rows, triangle, where, there

    def cast(self, origins: FloatArray, ways: FloatArray) -> Cast:
        """Nearest existing hit along each ray; origins and unit directions [n, 3] float32."""
        live = np.arange(len(origins))
        start = np.zeros(len(origins), np.float32)
        done: list[tuple[IntArray, IntArray, FloatArray]] = []
        starts, onwards = origins, ways
        for _ in range(_LAYERS):
            rows, triangle, where, there = self._hit(starts, onwards)
            done.append((live[rows[there]], triangle[there], where[there]))
            again = live[rows[~there]]
            start[again] += where[~there, 2] + _STEP
            live = again
            if len(live) == 0:
                break
            starts, onwards = origins[live] + ways[live] * start[live, None], ways[live]
        ray, triangle, where = (np.concatenate(parts) for parts in zip(*done, strict=True))
        u, v = where[:, 0], where[:, 1]
        values = self._blend(self.table, triangle, u, v)
        at, position, normal = values[:, :6], values[:, 6:9], np.ascontiguousarray(values[:, 9:])
        normal /= np.maximum(np.sqrt(np.einsum("ij,ij->i", normal, normal)), 1e-9)[:, None]
        normal[np.einsum("ij,ij->i", normal, ways[ray]) > 0.15] *= -1
        return Cast(ray, self.owner[triangle], at, position, normal)

    def blocked(self, origins: FloatArray, ways: FloatArray, reach: float) -> BoolArray:
        """Whether anything lies within reach (metres) along each ray."""
        rows, _, where, there = self._hit(origins, ways)
        result = np.zeros(len(origins), np.bool_)
        result[rows[there & (where[:, 2] < reach)]] = True
        return result


def _partial(surface: Surface) -> BoolArray:
    """Triangles [F] in which the surface may exist only in part."""
    if surface.covers is None:
        return np.zeros(len(surface.faces), bool)
    return any_corner(~surface.covers(surface.attributes), surface.faces)
