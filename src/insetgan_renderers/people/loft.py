"""Lofted surfaces: a convex ring round each horizontal slice of the body, joined to a skin."""

from dataclasses import dataclass

import numpy as np

from insetgan_renderers.people.template import FloatArray, IntArray


def grid_faces(rows: int, columns: int) -> IntArray:
    """Triangles between neighbouring rows of a grid whose columns close to a ring."""
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns), indexing="ij")
    a, b = r * columns + c, r * columns + (c + 1) % columns
    quads = np.stack([a, b, b + columns, a + columns], axis=-1).reshape(-1, 4)
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


@dataclass(frozen=True)
class Rings:
    """Support of slices: heights [rows], centres [rows, 2], support [rows, columns] along the azimuths."""

    heights: FloatArray
    centres: FloatArray
    support: FloatArray

    @property
    def azimuths(self) -> FloatArray:
        """Direction of each column, radians from +x."""
        count = self.support.shape[1]
        azimuths: FloatArray = (np.arange(count) * 2 * np.pi / count).astype(np.float32)
        return azimuths

    def radii(self) -> FloatArray:
        """Radius [rows, columns] of each convex slice: the nearest of its supporting lines in each direction."""
        theta = self.azimuths
        apart = np.cos(theta[:, None] - theta[None]).astype(np.float32)
        lines = np.where(apart > 0.12, self.support[:, None, :] / np.maximum(apart, 0.12), np.inf)
        radius: FloatArray = lines.min(axis=2)
        radius = 0.25 * np.roll(radius, 1, axis=1) + 0.5 * radius + 0.25 * np.roll(radius, -1, axis=1)
        return radius

    def points(self, radii: FloatArray) -> FloatArray:
        """World positions [rows, columns, 3] at the given radii."""
        theta = self.azimuths
        x = self.centres[:, :1] + radii * np.cos(theta)
        y = self.centres[:, 1:] + radii * np.sin(theta)
        z = np.broadcast_to(self.heights[:, None], x.shape)
        return np.stack([x, y, z], axis=-1).astype(np.float32)


def slice_rings(points: FloatArray, heights: FloatArray, columns: int, half: float) -> Rings:
    """Support of the points [n, 3] within half a band (metres) of each height, about the middle of each slice.

    The band grows where a slice would be nearly empty.
    """
    theta = np.arange(columns) * 2 * np.pi / columns
    way = np.stack([np.cos(theta), np.sin(theta)]).astype(np.float32)
    support = np.empty((len(heights), columns), np.float32)
    centres = np.empty((len(heights), 2), np.float32)
    away = np.abs(points[:, 2][None] - heights[:, None])
    for row, distance in enumerate(away):
        band = half
        near = points[distance < band, :2]
        while len(near) < 12 and band < 0.5:
            band *= 1.5
            near = points[distance < band, :2]
        centres[row] = 0.5 * (near.min(axis=0) + near.max(axis=0))
        support[row] = ((near - centres[row]) @ way).max(axis=0)
    return Rings(heights.astype(np.float32), centres, support)
