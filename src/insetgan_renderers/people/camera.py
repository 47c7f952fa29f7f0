"""The studio camera: a long lens at chest height, framed so that everybody stands at the same place."""

from dataclasses import dataclass, replace

import numpy as np

from insetgan_renderers.people.template import FloatArray


@dataclass(frozen=True)
class Camera:
    """Pinhole at (axis, -distance, height) looking along +y; the film plane is y = 0.

    ``scale`` is pixels per metre there, ``top`` the world z of the image's upper edge, ``axis`` the world x of
    its middle column.
    """

    axis: float
    height: float
    distance: float
    scale: float
    top: float

    def rays(self, rows: FloatArray, columns: FloatArray, width: int) -> tuple[FloatArray, FloatArray]:
        """Origins and unit directions [n, 3] through image points (pixels, float)."""
        x = self.axis + (columns - width / 2) / self.scale
        z = self.top - rows / self.scale
        ways = np.stack([x - self.axis, np.full_like(x, self.distance), z - self.height], axis=1)
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        origin = np.array([self.axis, -self.distance, self.height])
        return np.broadcast_to(origin, ways.shape).astype(np.float32).copy(), ways.astype(np.float32)

    def project(self, points: FloatArray, width: int) -> FloatArray:
        """Image points (row, column) of world points [n, 3]."""
        depth = self.distance / (points[:, 1] + self.distance)
        x = (points[:, 0] - self.axis) * depth
        z = self.height + (points[:, 2] - self.height) * depth
        return np.stack([(self.top - z) * self.scale, width / 2 + x * self.scale], axis=1).astype(np.float32)

    def keep_above(self, points: FloatArray, lowest: float) -> "Camera":
        """The camera moved down just so far that no point [n, 3] shows below row ``lowest``.

        A foot set forward comes nearer to the lens and so lower in the image than the soles it is framed by.
        """
        excess = float(self.project(points, 0)[:, 0].max()) - lowest
        return replace(self, top=self.top - max(0.0, excess) / self.scale)


def frame_person(
    rng: np.random.Generator, crown: float, floor: float, axis: float, stature: float, height: int
) -> Camera:
    """Place the camera: soles at about 95 % of the image's height, the crown at about 6.5 %.

    Args:
        rng: for mild variation.
        crown: world z of the top of the skull.
        floor: world z of the soles.
        axis: world x of the upper body.
        stature: the person's height in metres; taller people fill a little more.
        height: of the image, pixels.
    """
    fill = 0.878 + 0.05 * float(np.clip(stature - 1.72, -0.25, 0.25)) + float(rng.normal(0, 0.004))
    sole = 0.948 + float(rng.normal(0, 0.004))
    distance = 6.0
    scale = fill * height / (crown - floor)
    return Camera(
        axis=axis + float(rng.normal(0, 0.008)),
        height=floor + (crown - floor) * float(rng.uniform(0.5, 0.68)),
        distance=distance,
        scale=scale,
        top=floor + sole * height / scale,
    )
