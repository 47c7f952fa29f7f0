"""The people in a photograph: boxes of their parts with a confidence each, their points, and their masks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from insetgan.data.person import PART_NAMES
from insetgan.detection.body_parts import FEET_NAME, HAND_NAMES, feet_of, hand_of, head_of
from insetgan.detection.detector import Detection
from insetgan.detection.litert import FACE, LANDMARKS, PALM, PERSON
from insetgan.detection.part_box import PartBox
from insetgan.detection.poses import EAR_LEFT, EAR_RIGHT, EYE_LEFT, EYE_RIGHT, NOSE, Pose, PoseFinder
from insetgan.detection.single_shot import Found, Numbers, SingleShot, face_finder, palm_finder
from insetgan.detection.square import Square
from insetgan.ops.images import to_uint8
from insetgan.runtime.errors import UserError

MOST = 2048
"""Pixels of the longer side to which larger images are shrunk before they are searched."""
FACE_NAME, PERSON_NAME = PART_NAMES[0], "person"
_MOST_FACES = 8  # below which a body is looked for


@dataclass(frozen=True)
class Person:
    """What is known of a person in an image.

    Attributes:
        boxes: by the name of the part; parts that were not found are missing.
        mask: float32 [h, w], how much of each pixel belongs to the person, 0..1; None where the finder gives none.
        pose: the points of the body; None where the finder gives none.
        face: points of the face, float64 [6, 2], see `single_shot.face_finder`; None where there are none.
    """

    boxes: Mapping[str, PartBox] = field(default_factory=dict)
    mask: Tensor | None = None
    pose: Pose | None = None
    face: Numbers | None = None


class PeopleFinder(Protocol):
    """What finds people in photographs; a `Detector` sees batches of one size, this one image at a time.

    It may have `names`, the parts that it knows: a part that is asked for and is none of them is then refused at once.
    """

    def find(self, image: Tensor, name: str) -> list[Person]:
        """The people in an image uint8 [3, h, w], the most prominent first; `name` is that of its file."""
        ...

    def files(self) -> Sequence[Path]:
        """The files that it reads; see `runtime.fingerprint`."""
        ...


class PhotoPeople:
    """Finds people in photographs with MediaPipe's models, which come with the package, computed by LiteRT.

    The face is the whole head with its hair, as in the rendered people: from the detector's box to the edge of the mask.
    A hand counts where the palm detector sees it in two views of the place that the pose names, since the pose names a
    place for hidden hands too. The feet reach from heels to toes.

    Args:
        threshold: confidence, 0..1, from which on a part counts.
        faces: finds faces; for tests.
        palms: finds palms; for tests.
        poses: finds bodies; for tests.

    Raises:
        UserError: a threshold that is none.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        *,
        faces: SingleShot | None = None,
        palms: SingleShot | None = None,
        poses: PoseFinder | None = None,
    ) -> None:
        if not 0 <= threshold <= 1:
            raise UserError(f"finder.threshold={threshold}: must be from 0 to 1")
        self.threshold = threshold
        self.faces, self.palms, self.poses = faces or face_finder(), palms or palm_finder(), poses or PoseFinder()

    names = (*PART_NAMES, PERSON_NAME)

    def files(self) -> Sequence[Path]:
        """The models."""
        return [model.path for model in (FACE, PALM, PERSON, LANDMARKS)]

    def find(self, image: Tensor, name: str = "") -> list[Person]:
        """The people in an image uint8 [3, h, w], those that fill most of it first."""
        small, factor = _reduced(image)
        faces = self.faces.find(small, threshold=self.threshold)
        poses = self.poses.find(small, threshold=self.threshold)
        poses += self._poses_below(small, poses, faces)
        people = []
        for pose in poses:
            face = self._face_of(small, pose, faces)
            faces = [each for each in faces if each is not face and not _is_same(each, face)]
            people.append(self._person(small, pose, face))
        people += [Person({FACE_NAME: head_of(face, None, *small.shape[1:])}, face=face.points) for face in faces]
        people.sort(key=prominence, reverse=True)
        return [_enlarged(person, factor, image.shape[1], image.shape[2]) for person in people]

    def _poses_below(self, image: Tensor, poses: Sequence[Pose], faces: Sequence[Found]) -> list[Pose]:
        """Bodies looked for below each face that has none yet: in a whole image the detector sees one person at a time."""
        found: list[Pose] = []
        for face in faces[:_MOST_FACES]:
            if any(_is_at(pose, face) for pose in (*poses, *found)):
                continue
            x, y = _middle(face.box).tolist()
            side = face.box[2] - face.box[0]
            below = Square(x, y + 3 * side, 9 * side)
            bodies = self.poses.bodies.find(image, below, threshold=self.threshold, most=4)
            looked = [self.poses.pose(image, body) for body in bodies]
            found += [pose for pose in looked if pose.presence >= self.threshold and _is_at(pose, face)][:1]
        return found

    def _face_of(self, image: Tensor, pose: Pose, faces: Sequence[Found]) -> Found | None:
        """The face of a body: one of those found in the whole image, or one that only a closer look shows."""
        centre = pose.points[[NOSE, EYE_LEFT, EYE_RIGHT]].mean(axis=0)
        reach = 1.5 * max(float(np.linalg.norm(pose.points[EAR_LEFT] - pose.points[EAR_RIGHT])), 4.0)
        close = self.faces.find(
            image, Square(float(centre[0]), float(centre[1]), 3 * reach), threshold=self.threshold, most=4
        )
        near = [face for face in (*faces, *close) if np.linalg.norm(_middle(face.box) - centre) < reach]
        return max(near, key=lambda face: face.score, default=None)

    def _person(self, image: Tensor, pose: Pose, face: Found | None) -> Person:
        height, width = image.shape[1:]
        found: dict[str, PartBox | None] = {}
        found[FACE_NAME] = None if face is None else head_of(face, pose.mask, height, width)
        for side, name in enumerate(HAND_NAMES):
            found[name] = hand_of(image, pose, side, self.palms)
        found[FEET_NAME] = feet_of(pose)
        clipped = {name: box.clipped(height, width) for name, box in found.items() if box is not None}
        boxes = {name: box for name, box in clipped.items() if box is not None and box.score >= self.threshold}
        if (body := _body(pose)) is not None:
            boxes[PERSON_NAME] = body
        return Person(boxes, pose.mask, pose, None if face is None else face.points)


class DetectedPeople:
    """Lets any detector find the one person of a photograph, by its parts.

    Args:
        detector: such as dlib's faces, OpenCV's cascades, fixed boxes, or PartsNet.
        threshold: confidence, 0..1, from which on a part counts.
    """

    def __init__(self, detector: "_Detects", threshold: float = 0.5) -> None:
        self.detector, self.threshold = detector, threshold

    @property
    def names(self) -> tuple[str, ...]:
        """The parts that the detector knows."""
        return tuple(self.detector.names)

    def files(self) -> Sequence[Path]:
        """Those of the detector."""
        return self.detector.files()

    @torch.no_grad()
    def find(self, image: Tensor, name: str = "") -> list[Person]:
        """The person in an image uint8 [3, h, w]; none where no part reaches the threshold."""
        found = self.detector.detect(image[None].float() / 127.5 - 1)
        boxes = {}
        for part, each in found.items():
            x0, y0, x1, y1 = each.boxes[0].tolist()
            box = PartBox((x0, y0, x1, y1), float(each.scores[0])).clipped(image.shape[1], image.shape[2])
            if box is not None and box.score >= self.threshold:
                boxes[part] = box
        return [Person(boxes)] if boxes else []


class _Detects(Protocol):
    @property
    def names(self) -> tuple[str, ...]: ...

    def detect(self, images: Tensor) -> Mapping[str, Detection]: ...

    def files(self) -> Sequence[Path]: ...


class PhotoDetector:
    """`PhotoPeople` as a detector and segmenter of canvases: of each image the most prominent person.

    Args:
        threshold: see `PhotoPeople`.
    """

    names = PART_NAMES

    def __init__(self, threshold: float = 0.5, *, people: PeopleFinder | None = None) -> None:
        self.people = people or PhotoPeople(threshold)

    def files(self) -> Sequence[Path]:
        """The models."""
        return self.people.files()

    def detect(self, images: Tensor) -> dict[str, Detection]:
        """Find the parts in images [n, 3, H, W] in [-1, 1]; a part that is not seen has score 0."""
        boxes = torch.zeros(len(images), len(PART_NAMES), 4)
        scores = torch.zeros(len(images), len(PART_NAMES))
        for row, person in enumerate(self._look(images)):
            for column, part in enumerate(PART_NAMES):
                if (found := person.boxes.get(part)) is not None:
                    boxes[row, column], scores[row, column] = torch.tensor(found.box), found.score
        boxes, scores = boxes.to(images.device), scores.to(images.device)
        return {part: Detection(boxes[:, column], scores[:, column]) for column, part in enumerate(PART_NAMES)}

    def segment(self, images: Tensor) -> dict[str, Tensor]:
        """Outline the parts in images [n, 3, H, W] in [-1, 1]: what of the person lies in the box of each."""
        masks = torch.zeros(len(images), len(PART_NAMES), *images.shape[2:])
        for row, person in enumerate(self._look(images)):
            for column, part in enumerate(PART_NAMES):
                masks[row, column] = part_mask(person, part, *images.shape[2:])
        masks = masks.to(images.device)
        return {part: masks[:, column : column + 1] for column, part in enumerate(PART_NAMES)}

    def _look(self, images: Tensor) -> list[Person]:
        shown = to_uint8(images.detach().cpu().float())
        return [next(iter(self.people.find(each.permute(2, 0, 1), "")), Person()) for each in shown]


def part_mask(person: Person, part: str, height: int, width: int) -> Tensor:
    """What of a person lies in the box of a part, float32 [height, width]; the whole box without a mask of the person."""
    found = torch.zeros(height, width)
    if (box := person.boxes.get(part)) is None:
        return found
    x0, y0, x1, y1 = box.whole(height, width)
    found[y0:y1, x0:x1] = 1.0 if person.mask is None else person.mask[y0:y1, x0:x1]
    return found


def prominence(person: Person) -> float:
    """How much of the image a person fills: the area of the mask, or of the largest box, in pixels."""
    area = 0.0 if person.mask is None else float(person.mask.sum())
    return max([area, *(box.area for box in person.boxes.values())])


def _reduced(image: Tensor) -> tuple[Tensor, float]:
    """The image with at most `MOST` pixels on its longer side, and how much smaller it has become."""
    longer = max(image.shape[1:])
    if longer <= MOST:
        return image, 1.0
    size = tuple(max(1, round(side * MOST / longer)) for side in image.shape[1:])
    small = functional.interpolate(image[None], size, mode="bilinear", antialias=True, align_corners=False)[0]
    return small, MOST / longer


def _enlarged(person: Person, factor: float, height: int, width: int) -> Person:
    """A person found in a smaller image, in pixels of the image itself."""
    if factor == 1.0:
        return person
    boxes = {name: box.scaled(1 / factor) for name, box in person.boxes.items()}
    clipped = {name: inside for name, box in boxes.items() if (inside := box.clipped(height, width)) is not None}
    mask, pose = person.mask, person.pose
    if mask is not None:
        mask = functional.interpolate(mask[None, None], (height, width), mode="bilinear", align_corners=False)[0, 0]
    if pose is not None and mask is not None:
        pose = Pose(pose.score, pose.presence, pose.points / factor, pose.visible, mask)
    return Person(clipped, mask, pose, None if person.face is None else person.face / factor)


def _body(pose: Pose) -> PartBox | None:
    """The box of the whole mask."""
    rows, columns = np.nonzero((pose.mask > 0.5).numpy())
    if not len(rows):
        return None
    box = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
    return PartBox(box, min(pose.score, pose.presence))


def _is_at(pose: Pose, face: Found) -> bool:
    """Whether the nose of a pose lies in a face."""
    (x, y), (x0, y0, x1, y1) = pose.points[NOSE].tolist(), face.box
    return bool(x0 <= x <= x1 and y0 <= y <= y1)


def _is_same(face: Found, other: Found | None) -> bool:
    """Whether the middle of one face lies in the other."""
    if other is None:
        return False
    (x, y), (x0, y0, x1, y1) = _middle(face.box), other.box
    return bool(x0 <= x <= x1 and y0 <= y <= y1)


def _middle(box: tuple[float, float, float, float]) -> Numbers:
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
