"""The skull as a distance from its middle in polar directions, and pieces posed with the head."""

from dataclasses import dataclass

import numpy as np

from insetgan_renderers.people.fields import Fields
from insetgan_renderers.people.rig import Rig
from insetgan_renderers.people.template import FloatArray

COLUMNS = 72


@dataclass(frozen=True)
class Dome:
    """Directions from the middle of a skull, unposed.

    Attributes:
        centre: [3] metres.
        polar: [rows, columns] radians from the crown.
        azimuth: [rows, columns] radians from the face, the person's left positive.
        way: [rows, columns, 3] unit directions.
        radii: [rows, columns] distance of the soft skull in metres.
    """

    centre: FloatArray
    polar: FloatArray
    azimuth: FloatArray
    way: FloatArray
    radii: FloatArray

    def points(self, thick: FloatArray) -> FloatArray:
        """Positions [rows, columns, 3] at a thickness over the skull, metres."""
        found: FloatArray = (self.centre + self.way * (self.radii + thick)[..., None]).astype(np.float32)
        return found


def _radii(head: FloatArray, centre: FloatArray, directions: FloatArray) -> FloatArray:
    """Soft distance from the centre to the skull in each direction."""
    spokes = head - centre
    reach = np.linalg.norm(spokes, axis=1)
    closeness = directions @ (spokes / reach[:, None]).T
    weight = np.exp((closeness - 1) * 90) + 1e-12
    radii: FloatArray = (weight @ reach / weight.sum(axis=1)).astype(np.float32)
    return radii


def skull_dome(vertices: FloatArray, fields: Fields, polar: FloatArray) -> Dome:
    """The dome over an unposed head [V, 3] at polar angles in degrees; COLUMNS azimuths from -180 on."""
    skull = vertices[fields.skull_rows]
    centre = np.array([0.0, 0, 0], np.float32)
    centre[1] = 0.5 * (skull[:, 1].min() + skull[:, 1].max()) + 0.008
    centre[2] = skull[:, 2].max() - 0.105
    azimuth = np.linspace(-180, 180, COLUMNS, endpoint=False)
    p, q = np.meshgrid(np.radians(polar), np.radians(azimuth), indexing="ij")
    way = np.stack([np.sin(p) * np.sin(q), -np.sin(p) * np.cos(q), np.cos(p)], axis=-1).astype(np.float32)
    # Every other direction is measured, in a thinned skull: the rest lies between.
    radii = _radii(skull[::5], centre, way[:, ::2].reshape(-1, 3)).reshape(len(polar), -1)
    radii = np.stack([radii, 0.5 * (radii + np.roll(radii, -1, axis=1))], axis=2).reshape(p.shape)
    return Dome(centre, p, q, way, radii)


def with_head(points: FloatArray, rig: Rig) -> FloatArray:
    """Unposed points [n, 3] moved with the head bone."""
    bone = rig.index("head")
    moved: FloatArray = (points.astype(np.float64) @ rig.linear[bone].T + rig.offset[bone]).astype(np.float32)
    return moved


def seam_safe(
    attributes: FloatArray, faces: np.ndarray, vertices: FloatArray
) -> tuple[FloatArray, np.ndarray, FloatArray]:
    """Duplicate the column at azimuth -180 as +180, or interpolation would run through 0 there."""
    wraps = (attributes[faces][:, :, 3].max(axis=1) > 90) & (attributes[faces][:, :, 3].min(axis=1) < -150)
    faces = faces.copy()
    extra = np.flatnonzero(attributes[:, 3] == -180)
    number = np.arange(len(attributes))
    number[extra] = len(attributes) + np.arange(len(extra))
    faces[wraps] = number[faces[wraps]]
    copies = attributes[extra].copy()
    copies[:, 3] = 180
    return np.concatenate([attributes, copies]), faces, np.concatenate([vertices, vertices[extra]])
