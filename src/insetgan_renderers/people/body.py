"""The shape of a person: sampled traits and the shaped, unposed mesh."""

from dataclasses import dataclass

import numpy as np

from insetgan_renderers.people.face import Detail, add_details, sample_face
from insetgan_renderers.people.template import FloatArray, Template

_ANCHORS = {
    "gender": (("male", "female"), (0.0, 1.0)),
    "age": (("young", "old"), (25.0, 90.0)),
    "muscle": (("minmuscle", "averagemuscle", "maxmuscle"), (0.0, 0.5, 1.0)),
    "weight": (("minweight", "averageweight", "maxweight"), (0.0, 0.5, 1.0)),
    "height": (("minheight", "maxheight"), (0.0, 1.0)),
    "proportions": (("idealproportions", "uncommonproportions"), (0.0, 1.0)),
    "cup": (("mincup", "averagecup", "maxcup"), (0.0, 0.5, 1.0)),
}


@dataclass(frozen=True)
class Traits:
    """Who the person is. All in 0..1 but for ``age`` (years); ``female`` also steers clothes and hair.

    ``details`` are weighted targets of the face, ``expression`` is one of ``face.EXPRESSIONS``.
    """

    female: bool
    gender: float
    age: float
    muscle: float
    weight: float
    height: float
    proportions: float
    cup: float
    race: dict[str, float]
    skin: float
    details: tuple[Detail, ...] = ()
    expression: str = "neutral"


def sample_traits(rng: np.random.Generator) -> Traits:
    """Draw a person: sexes in equal parts, adults of 18 to 80, build and skin tone spread evenly."""
    female = bool(rng.random() < 0.5)
    race = rng.dirichlet((0.35, 0.35, 0.35))
    tone = float(np.clip(race @ np.array([0.85, 0.35, 0.2]) + rng.normal(0, 0.12), 0, 1))
    details, expression = sample_face(rng, female)
    return Traits(
        female=female,
        gender=float(rng.uniform(0.85, 1.0) if female else rng.uniform(0.0, 0.15)),
        age=float(18 + 62 * rng.beta(1.1, 1.6)),
        muscle=float(rng.uniform(0.35, 0.65) if female else rng.uniform(0.4, 0.8)),
        weight=float(np.clip(rng.normal(0.5, 0.14), 0.2, 0.85)),
        height=float(np.clip(rng.normal(0.5 if female else 0.55, 0.12), 0.25, 0.8)),
        proportions=float(rng.uniform(0.0, 0.45)),
        cup=float(rng.uniform(0.2, 0.6)),
        race=dict(zip(("african", "asian", "caucasian"), map(float, race), strict=True)),
        skin=tone,
        details=details,
        expression=expression,
    )


def _anchor_weights(traits: Traits) -> dict[str, float]:
    weights: dict[str, float] = dict(traits.race)
    for trait, (labels, anchors) in _ANCHORS.items():
        value = float(np.clip(getattr(traits, trait), anchors[0], anchors[-1]))
        for i, label in enumerate(labels):
            unit = np.zeros(len(anchors))
            unit[i] = 1
            weights[label] = float(np.interp(value, anchors, unit))
    return weights


def shape_vertices(template: Template, traits: Traits) -> FloatArray:
    """The unposed mesh of a person, [V, 3] float32 metres: the template plus weighted targets.

    A target's weight is the product of the weights of the variations in its label, as in MakeHuman.
    """
    weights = _anchor_weights(traits)
    vertices = template.vertices.copy()
    scaled = np.empty_like(vertices)
    for label, offsets in template.targets.items():
        weight = 1.0
        for variation in label.partition(":")[2].split("-"):
            weight *= weights[variation] if variation not in ("averagefirmness",) else 1.0
            if weight == 0:
                break
        if weight > 0:
            np.multiply(offsets, np.float32(weight), out=scaled)
            vertices += scaled
    add_details(vertices, traits.details)
    return vertices
