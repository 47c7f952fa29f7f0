"""Where on the body a vertex lies: limb coordinates, and the fixed sets of triangles that garments start from.

Coordinates are those of the neutral template, so a hem at one value sits at the same place on everybody.
"""

import functools
import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from insetgan_renderers.people.template import FloatArray, IntArray, Template, load_template

ATTRIBUTES = ("x", "y", "z", "arm", "leg", "lips")


@dataclass(frozen=True)
class Fields:
    """Fixed per-vertex data of the template's V vertices.

    Attributes:
        attributes: [V, 6] float32, columns as ATTRIBUTES. ``arm`` is 0 at the shoulder, 1 at the elbow, 2 at the
            wrist, negative on the trunk; ``leg`` is 0 at the hip, 1 at the knee, 2 at the ankle.
        smooth: [V, V] sparse averaging over neighbours on the body.
        faces: region name (skin, top, bottom, shoe, head) -> [F, 3] triangles.
        arm_rows: side -> rows on forearm and hand, thinned.
        fore_rows: side -> those of the forearm.
        obstacle_rows: rows of trunk and legs.
        skull_rows: rows of the head above the jaw, without ears.
        head_rows: rows of the whole head.
    """

    attributes: FloatArray
    smooth: sparse.csr_matrix
    faces: dict[str, IntArray]
    arm_rows: dict[str, IntArray]
    fore_rows: dict[str, IntArray]
    obstacle_rows: IntArray
    skull_rows: IntArray
    head_rows: IntArray


def _chain(points: npt.NDArray[np.float64], joints: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Coordinate along a two-segment limb, open at both ends."""
    along = []
    for a, b in itertools.pairwise(joints):
        way = b - a
        along.append((points - a) @ way / float(way @ way))
    blend = np.clip((along[0] - 0.85) / 0.3, 0, 1)
    result: npt.NDArray[np.float64] = (1 - blend) * along[0] + blend * (1 + along[1])
    return result


def _part_weight(template: Template, stems: tuple[str, ...], side: str = "") -> npt.NDArray[np.float32]:
    columns = [
        i
        for i, name in enumerate(template.bones)
        if name.split(".")[0].rstrip("0123456789-") in stems and (not side or name.endswith("." + side))
    ]
    total: npt.NDArray[np.float32] = np.asarray(template.weights[:, columns].sum(axis=1)).ravel()
    return total


def _smoothing(faces: IntArray, count: int) -> sparse.csr_matrix:
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    both = np.concatenate([edges, edges[:, ::-1]])
    matrix = sparse.coo_matrix((np.ones(len(both), np.float32), (both[:, 0], both[:, 1])), (count, count)).tocsr()
    matrix.data[:] = 1
    matrix = matrix + sparse.identity(count, dtype=np.float32, format="csr")
    scale = sparse.diags((1 / np.asarray(matrix.sum(axis=1)).ravel()).astype(np.float32))
    return (scale @ matrix).tocsr()


def _limb_coordinates(template: Template) -> tuple[FloatArray, FloatArray, FloatArray]:
    points = template.vertices.astype(np.float64)
    heads = np.asarray(template.heads @ points)

    def joint(name: str) -> npt.NDArray[np.float64]:
        found: npt.NDArray[np.float64] = heads[template.bones.index(name)]
        return found

    mirrored = points.copy()
    mirrored[:, 0] = np.abs(mirrored[:, 0])
    arm = _chain(mirrored, [joint("upperarm01.L"), joint("lowerarm01.L"), joint("wrist.L")])
    leg = _chain(mirrored, [joint("upperleg01.L"), joint("lowerleg01.L"), joint("foot.L")])
    weight = _part_weight(template, ("upperarm", "lowerarm", "wrist", "finger", "metacarpal"))
    share = np.clip(weight * 2, 0, 1)
    arm = arm * share - (1 - share)
    leg = np.where(weight > 0.2, -1.0, leg)
    return arm.astype(np.float32), leg.astype(np.float32), weight


@functools.lru_cache(maxsize=1)
def load_fields() -> Fields:
    """Derive the fields once per process."""
    template = load_template()
    count = len(template.vertices)
    body = template.faces["body"]
    arm, leg, arm_weight = _limb_coordinates(template)
    head_weight = _part_weight(
        template,
        ("head", "jaw", "special", "oris", "levator", "orbicularis", "temporalis", "oculi", "risorius", "eye"),
    )
    z = template.vertices[:, 2]
    inside = np.zeros(count, bool)
    inside[np.unique(body)] = True
    trunk = _part_weight(template, ("root", "pelvis", "upperleg", "lowerleg", "spine", "breast"))
    ears = np.abs(template.vertices[:, 0]) > 0.071
    # Helper vertices (joint cubes, eyes) take no part in any limb.
    arm[~inside], leg[~inside] = -9, -9
    smooth = _smoothing(body, count)
    hidden = _part_weight(template, ("tongue",)) > 0.1

    def select(keep: npt.NDArray[np.bool_]) -> IntArray:
        chosen: IntArray = body[keep[body].all(axis=1)]
        return chosen

    arm_rows = {
        side: np.flatnonzero(
            inside & (_part_weight(template, ("lowerarm", "wrist", "finger", "metacarpal"), side) > 0.9)
        )[::7]
        for side in ("L", "R")
    }
    return Fields(
        attributes=np.concatenate([template.vertices, np.stack([arm, leg, template.lips], axis=1)], axis=1).astype(
            np.float32
        ),
        smooth=smooth,
        faces={
            "skin": select(~hidden),
            "top": select((z < 0.67) & (leg < 0.6) & (arm < 2.06) & (head_weight < 0.5)),
            "bottom": select((z < 0.32) & (arm_weight < 0.3) & (leg < 2.12)),
            "shoe": select(leg > 1.3),
        },
        arm_rows=arm_rows,
        fore_rows={side: rows[arm[rows] < 1.85] for side, rows in arm_rows.items()},
        obstacle_rows=np.flatnonzero(inside & (trunk > 0.8)),
        skull_rows=np.flatnonzero(inside & (head_weight > 0.5) & (z > 0.70) & ~ears),
        head_rows=np.flatnonzero(inside & (head_weight > 0.9)),
    )
