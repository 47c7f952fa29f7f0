"""From points and palms of a body to boxes of its head, hands and feet.

The shares below were fitted to 32 rendered people with exact boxes; docs/photos.md has what they give on others.
"""

import math

import numpy as np
from torch import Tensor

from insetgan.data.person import PART_NAMES
from insetgan.detection.part_box import PartBox
from insetgan.detection.poses import (
    ANKLES,
    ELBOWS,
    HEELS,
    INDEX_FINGERS,
    KNEES,
    LITTLE_FINGERS,
    TOES,
    WRISTS,
    Pose,
)
from insetgan.detection.single_shot import Found, Numbers, SingleShot
from insetgan.detection.square import Square

HAND_NAMES, FEET_NAME = PART_NAMES[1:3], PART_NAMES[3]

_LOOK = 2.4  # side of the square in which a palm is looked for, in lengths of the forearm; closer, skin alone looks like palms
_NEAR = 0.4  # how far the palm's wrist may be from the pose's, in lengths of the forearm
_FINGERS, _HAND_SIDES, _HAND_ENDS = 1.7, 0.3, 0.1  # where fingertips are and what is added, in lengths of the palm
_FEET_SIDES, _FEET_ENDS = 0.15, 0.05  # what is added to heels and toes, in lengths of the lower leg
_HEAD_SIDES, _HEAD_TOP = 0.62, 0.5  # of a face without a mask, in its widths from its middle, and above it
_HAIR_SIDES, _HAIR_TOP = 1.2, 0.9  # how far hair is looked for, likewise
_CHEEK = 0.25  # in widths of the face above the chin; below it, shoulders would be taken for hair


def head_of(face: Found, mask: Tensor | None, height: int, width: int) -> PartBox:
    """The whole head with its hair: of the mask what lies above the chin.

    Args:
        face: from `single_shot.face_finder`; its box reaches from the brow to the chin.
        mask: float [h, w] of the person, 0..1; None takes usual proportions.
        height: rows of the image.
        width: columns of the image.
    """
    x0, y0, x1, y1 = face.box
    side, middle = x1 - x0, (x0 + x1) / 2
    top = y0 - _HEAD_TOP * side
    usual = PartBox((middle - _HEAD_SIDES * side, top, middle + _HEAD_SIDES * side, y1), face.score)
    if mask is None:
        return usual
    left, right = max(int(middle - _HAIR_SIDES * side), 0), min(math.ceil(middle + _HAIR_SIDES * side), width)
    upper, chin = max(int(y0 - _HAIR_TOP * side), 0), min(round(y1), height)
    inside = (mask[upper:chin, left:right] > 0.5).numpy()
    above = inside[: max(chin - upper - round(_CHEEK * side), 0)]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(above.any(axis=0))
    if not len(rows) or not len(columns):
        return usual
    found = (float(left + columns[0]), float(upper + rows[0]), float(left + columns[-1] + 1), y1)
    whole = found[0] <= x0 + 0.25 * side and found[2] >= x1 - 0.25 * side  # else the mask misses the head
    return PartBox(found, face.score) if whole else usual


def hand_of(image: Tensor, pose: Pose, side: int, palms: SingleShot) -> PartBox | None:
    """A hand, where the palm detector sees it in an upright and in a turned view of the place that the pose names.

    Its confidence is the geometric mean of both views' scores times the lesser visibility of the pose's two fingers.

    Args:
        image: uint8 [3, h, w].
        pose: of the person.
        side: 0 for the person's left hand, 1 for the right one.
        palms: from `single_shot.palm_finder`.
    """
    wrist, elbow = pose.points[WRISTS[side]], pose.points[ELBOWS[side]]
    hand = (pose.points[LITTLE_FINGERS[side]] + pose.points[INDEX_FINGERS[side]]) / 2
    forearm = max(float(np.linalg.norm(wrist - elbow)), 4.0)
    across, up = hand - wrist
    found = []
    for turn in (0.0, math.atan2(across, -up)):
        seen = palms.find(image, Square(*hand.tolist(), _LOOK * forearm, turn), threshold=0.1, most=4)
        near = [palm for palm in seen if np.linalg.norm(palm.points[0] - wrist) < _NEAR * forearm]
        if not near:
            return None
        found.append(near[0])
    visible = float(pose.visible[[LITTLE_FINGERS[side], INDEX_FINGERS[side]]].min())
    points = (found[0].points + found[1].points) / 2
    return PartBox(_hand_box(points), math.sqrt(found[0].score * found[1].score) * visible)


def _hand_box(palm: Numbers) -> tuple[float, float, float, float]:
    """From the points of a palm to the box of the whole hand: the fingers go on as the middle one begins."""
    along = palm[2] - palm[0]
    length = max(float(np.linalg.norm(along)), 1.0)
    points = np.concatenate([palm, [palm[0] + _FINGERS * along]])
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return x0 - _HAND_SIDES * length, y0 - _HAND_ENDS * length, x1 + _HAND_SIDES * length, y1 + _HAND_ENDS * length


def feet_of(pose: Pose) -> PartBox | None:
    """Both feet, from heels to toes and a share of the lower leg more; a foot that is not seen is left out.

    Whether it is seen toes and ankle say: of somebody who faces the camera the heels are hidden by the feet themselves.
    """
    seen = [side for side in (0, 1) if pose.visible[TOES[side]] >= 0.3]
    if not seen:
        return None
    points = pose.points[[each[side] for side in seen for each in (HEELS, TOES)]]
    leg = float(np.mean([np.linalg.norm(pose.points[KNEES[side]] - pose.points[ANKLES[side]]) for side in seen]))
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    score = float(np.mean([pose.visible[[TOES[side], ANKLES[side]]].mean() for side in seen]))
    wide, high = _FEET_SIDES * leg, _FEET_ENDS * leg
    return PartBox((x0 - wide, y0 - high, x1 + wide, y1 + high), score)
