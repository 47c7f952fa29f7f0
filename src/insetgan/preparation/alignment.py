"""Where a body goes in an image of the set: the alignment of bodies after the supplement of InsetGAN (arXiv 2203.07293)."""

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from insetgan.detection.people import FACE_NAME, PERSON_NAME, Person
from insetgan.detection.poses import ANKLES, HIPS, KNEES, NOSE, SHOULDERS, TOES, Pose
from insetgan.preparation.frame import Frame
from insetgan.preparation.verdict import Rejected
from insetgan.runtime.settings import settings

_LIMBS = {"shoulders": SHOULDERS, "hips": HIPS, "knees": KNEES, "ankles": ANKLES, "feet": TOES}
_EDGE = 0.015  # of the image's height that stays free above and below the person


@settings
class BodyAlignment:
    """Puts the middle of the upper body, from neck to hips, on the image's centre column, and makes it of one length.

    The defaults are the medians of 32 rendered people, so that prepared photographs match the embedded generators. Where a
    head would become smaller or larger than the bounds allow, the whole person is scaled to bring it to the bound, as the
    paper does; where the person would not fit, it is made smaller.
    """

    upper: Annotated[float, Field(gt=0.05, lt=0.6, description="length from neck to hips, of the image's height")] = (
        0.254
    )
    middle: Annotated[float, Field(gt=0.1, lt=0.9, description="row of its middle, of the image's height")] = 0.357
    least_face: Annotated[float, Field(gt=0, lt=1, description="smallest face from brow to chin, of the height")] = (
        0.075
    )
    most_face: Annotated[float, Field(gt=0, lt=1, description="largest face, likewise")] = 0.1
    visible: Annotated[float, Field(ge=0, le=1, description="what joints' visibility must reach")] = 0.4
    tilt: Annotated[float, Field(ge=0, le=180, description="how far from upright a body may be, in degrees")] = 30.0

    def frame(self, person: Person, photo: tuple[int, int], size: tuple[int, int]) -> Frame:
        """The rectangle that becomes the image.

        Args:
            person: from `detection.people.PhotoPeople`.
            photo: (H, W) of the photograph.
            size: (H, W) of the image.

        Raises:
            Rejected: no clear full body.
        """
        pose = self.full_body(person, photo)
        neck, hips = pose.points[list(SHOULDERS)].mean(axis=0), pose.points[list(HIPS)].mean(axis=0)
        middle, length = (neck + hips) / 2, float(np.linalg.norm(neck - hips))
        high = length / self.upper
        face = _face_length(person)
        high = min(max(high, face / self.most_face), face / self.least_face)
        top, bottom = person.boxes[PERSON_NAME].box[1], person.boxes[PERSON_NAME].box[3]
        high = max(high, (bottom - top) / (1 - 2 * _EDGE))
        # The middle of the upper body in its row, unless head or feet would leave the image.
        upper = middle[1] - self.middle * high
        upper = min(max(upper, bottom + _EDGE * high - high), top - _EDGE * high)
        return Frame(float(middle[0]), float(upper + high / 2), high, size)

    def full_body(self, person: Person, photo: tuple[int, int]) -> Pose:
        """The pose of a person of whom all is seen.

        Raises:
            Rejected: what is missing.
        """
        pose = person.pose
        if pose is None or PERSON_NAME not in person.boxes:
            raise Rejected("a face without a body")
        if FACE_NAME not in person.boxes or person.face is None:
            raise Rejected("no face is seen")
        height, width = photo
        hidden = []
        for name, numbers in _LIMBS.items():
            points, seen = pose.points[list(numbers)], pose.visible[list(numbers)]
            inside = ((points >= 0) & (points <= [width, height])).all(axis=1)
            if not ((seen >= self.visible) & inside).all():
                hidden.append(name)
        if hidden:
            raise Rejected(f"no clear full body: {', '.join(hidden)} not seen")
        across, down = (pose.points[list(HIPS)].mean(axis=0) - pose.points[list(SHOULDERS)].mean(axis=0)).tolist()
        if math.degrees(abs(math.atan2(across, down))) > self.tilt:
            raise Rejected(f"the body is not upright: {math.degrees(abs(math.atan2(across, down))):.0f} degrees")
        if pose.points[NOSE, 1] > pose.points[list(HIPS), 1].min():
            raise Rejected("the head is below the hips")
        return pose


def _face_length(person: Person) -> float:
    """Length of the face from brow to chin, in pixels: 2.43 times that from the eyes to the mouth.

    The box of the head would do, but for hats and hair. The factor is the median of 32 rendered people.
    """
    assert person.face is not None
    eyes, mouth = person.face[:2].mean(axis=0), person.face[3]
    return max(2.43 * float(np.linalg.norm(eyes - mouth)), 1.0)
