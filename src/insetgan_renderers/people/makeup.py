"""What is painted on a face: brows, lids, lips, nose, cheeks, beard, signs of age."""

from dataclasses import dataclass

import numpy as np

from insetgan_renderers.people.body import Traits
from insetgan_renderers.people.garments import ramp
from insetgan_renderers.people.haircut import Hair
from insetgan_renderers.people.template import FloatArray
from insetgan_renderers.people.wardrobe import Colour

_TONES = np.array(
    [
        [0.96, 0.82, 0.74],
        [0.92, 0.75, 0.64],
        [0.84, 0.65, 0.52],
        [0.7, 0.5, 0.37],
        [0.52, 0.35, 0.25],
        [0.33, 0.22, 0.16],
    ],
    np.float32,
)
_LIPSTICKS: tuple[Colour, ...] = ((0.72, 0.12, 0.16), (0.8, 0.3, 0.36), (0.5, 0.1, 0.2), (0.76, 0.42, 0.36))


@dataclass(frozen=True)
class Makeup:
    """Colours and strengths (0..1) of what is painted on a face; ``brow`` is the brow's half thickness in metres.

    ``lip`` is an sRGB colour, ``shadow`` tints the lids, ``lines`` are the signs of age.
    """

    skin: FloatArray
    lip: FloatArray
    lip_strength: float
    shadow: Colour
    shadow_strength: float
    liner: float
    blush: float
    brow: float
    arch: float
    lines: float
    freckles: float


def skin_colour(tone: float) -> FloatArray:
    """SRGB albedo for a tone of 0 (palest) to 1 (darkest)."""
    at = tone * (len(_TONES) - 1)
    low = int(min(at, len(_TONES) - 2))
    colour: FloatArray = _TONES[low] + np.float32(at - low) * (_TONES[low + 1] - _TONES[low])
    return colour


def sample_makeup(rng: np.random.Generator, traits: Traits) -> Makeup:
    """Draw the colours of a face; about half of the women wear make-up."""
    worn = traits.female and rng.random() < 0.55
    skin = skin_colour(traits.skin) * rng.uniform((0.97, 0.97, 0.94), (1.03, 1.01, 1.03)).astype(np.float32)
    natural = skin * np.array([0.86, 0.6, 0.58], np.float32)
    stick = np.asarray(_LIPSTICKS[int(rng.integers(len(_LIPSTICKS)))], np.float32) * (0.6 + 0.4 * skin)
    shadows: tuple[Colour, ...] = ((0.4, 0.25, 0.2), (0.25, 0.2, 0.25), (0.5, 0.35, 0.4), (0.2, 0.25, 0.35))
    return Makeup(
        skin=skin,
        lip=(stick if worn else natural).astype(np.float32),
        lip_strength=float(rng.uniform(0.7, 0.95) if worn else rng.uniform(0.45, 0.8)),
        shadow=shadows[int(rng.integers(4))],
        shadow_strength=float(rng.uniform(0.2, 0.6)) if worn else 0.0,
        liner=float(rng.uniform(0.75, 1.0) if worn else rng.uniform(0.45, 0.7)),
        blush=float(rng.uniform(0.2, 0.45) if worn else rng.uniform(0.05, 0.25)),
        brow=float(rng.uniform(0.0022, 0.0036) if traits.female else rng.uniform(0.0034, 0.0052)),
        arch=float(rng.uniform(0.001, 0.006)),
        lines=float(np.clip((traits.age - 40) / 35, 0, 1)) * float(rng.uniform(0.5, 1.0)),
        freckles=float(rng.uniform(0.1, 0.35)) if traits.skin < 0.3 and rng.random() < 0.2 else 0.0,
    )


def over(albedo: FloatArray, mask: FloatArray, colour: FloatArray) -> FloatArray:
    """Albedo [n, 3] with a colour laid over it where the mask [n] is 1."""
    result: FloatArray = (albedo + np.asarray(mask, np.float32)[:, None] * (colour - albedo)).astype(np.float32)
    return result


def _spot(x: FloatArray, z: FloatArray, at: tuple[float, float], size: tuple[float, float]) -> FloatArray:
    result: FloatArray = np.exp(-(((x - at[0]) / size[0]) ** 2 + ((z - at[1]) / size[1]) ** 2))
    return result


def _brow(x: FloatArray, z: FloatArray, paint: Makeup) -> FloatArray:
    along = np.clip((x - 0.012) / 0.036, 0, 1)
    arch = 0.7462 + paint.arch * np.sin(along * np.pi * 0.72) - 0.03 * np.clip(x - 0.042, 0, 1)
    half = paint.brow * (1 - 0.6 * np.clip((x - 0.022) / 0.03, 0, 1))
    mask = (1 - ramp(np.abs(z - arch), 0.6 * half, 1.3 * half)) * ramp(x, 0.009, 0.014) * (1 - ramp(x, 0.047, 0.054))
    hairs = 0.85 + 0.15 * np.sin(2600 * x + 900 * z)
    result: FloatArray = (mask * hairs).astype(np.float32)
    return result


def _paint_eyes(
    x: FloatArray, z: FloatArray, front: FloatArray, albedo: FloatArray, paint: Makeup, hair: FloatArray
) -> FloatArray:
    """Sockets, lids, lashes and brows."""
    albedo = albedo * (1 - 0.12 * _spot(x, z, (0.031, 0.738), (0.02, 0.007)) * front)[:, None]
    albedo = albedo * (1 - (0.06 + 0.16 * paint.lines) * _spot(x, z, (0.029, 0.7175), (0.013, 0.004)) * front)[:, None]
    lid = _spot(x, z, (0.032, 0.7375), (0.017, 0.0045)) * front
    albedo = over(albedo, paint.shadow_strength * lid, np.asarray(paint.shadow, np.float32))
    ring = np.sqrt(((x - 0.031) / 0.0150) ** 2 + ((z - 0.7285) / 0.0062) ** 2)
    black = np.array([0.05, 0.035, 0.03], np.float32)
    upper = (1 - ramp(ring, 1.2, 1.55)) * (z > 0.7285) * front
    albedo = over(albedo, paint.liner * upper, black)
    lower = (1 - ramp(ring, 1.05, 1.3)) * (z <= 0.7285) * front
    albedo = over(albedo, 0.45 * paint.liner * lower, black)
    crease = np.exp(-(((ring - 1.95) / 0.14) ** 2)) * (z > 0.731) * front
    albedo = albedo * (1 - 0.2 * crease)[:, None]
    return over(albedo, 0.92 * _brow(x, z, paint) * front, hair)


def _paint_nose(x: FloatArray, y: FloatArray, z: FloatArray, albedo: FloatArray, paint: Makeup) -> FloatArray:
    """Bridge and tip a little lighter, wings and sides darker, nostrils dark."""
    front = (y < -0.1).astype(np.float32)
    side = _spot(x, z, (0.0165, 0.691), (0.004, 0.009)) * front
    bridge = _spot(x, z, (0.012, 0.722), (0.004, 0.014)) * front
    albedo = albedo * (1 - 0.24 * side - 0.13 * bridge)[:, None]
    tip = _spot(x, z, (0.0, 0.6955), (0.005, 0.005)) * front + 0.7 * _spot(x, z, (0.0, 0.718), (0.0035, 0.02)) * front
    albedo = np.minimum(albedo * (1 + 0.08 * tip)[:, None], 1).astype(np.float32)
    nostril = np.maximum(
        _spot(x, z, (0.0078, 0.6858), (0.0042, 0.0022)), 0.5 * _spot(x, z, (0.0, 0.6835), (0.009, 0.002))
    )
    return over(albedo, np.clip(0.75 * nostril, 0, 1) * front, paint.skin * np.array([0.35, 0.22, 0.2], np.float32))


def _paint_mouth(
    x: FloatArray, z: FloatArray, lips: FloatArray, front: FloatArray, albedo: FloatArray, paint: Makeup
) -> FloatArray:
    """Lips, the line between them, the corners and the shade below."""
    albedo = over(albedo, np.clip(lips * 1.15, 0, 1) * paint.lip_strength, paint.lip)
    upper = np.clip((z - 0.6615) / 0.004, 0, 1) * lips
    albedo = albedo * (1 - 0.2 * upper)[:, None]
    seam = 0.6614 + 0.0006 * np.cos(np.clip(x / 0.008, 0, 3.14))
    line = (1 - ramp(np.abs(z - seam), 0.0007, 0.0021)) * (1 - ramp(x, 0.022, 0.027)) * front
    albedo = over(albedo, 0.72 * line, paint.lip * np.float32(0.28))
    corner = _spot(x, z, (0.0262, 0.6616), (0.003, 0.0025)) * front
    below = _spot(x, z, (0.0, 0.6445), (0.014, 0.0032)) * front
    groove = _spot(x, z, (0.0, 0.6775), (0.0025, 0.004)) * front
    result: FloatArray = albedo * (1 - 0.4 * corner - 0.16 * below - 0.08 * groove)[:, None]
    return result


def _paint_age(x: FloatArray, z: FloatArray, front: FloatArray, albedo: FloatArray, paint: Makeup) -> FloatArray:
    fold = np.abs(x - (0.021 + 0.55 * np.clip(0.69 - z, 0, 0.035)))
    laugh = np.exp(-((fold / 0.0022) ** 2)) * ramp(z, 0.655, 0.665) * (1 - ramp(z, 0.687, 0.694)) * front
    brow = sum(np.exp(-(((z - level) / 0.0012) ** 2)) for level in (0.768, 0.776, 0.784)) * (x < 0.04) * front
    feet = _spot(x, z, (0.052, 0.728), (0.004, 0.007)) * (0.5 + 0.5 * np.sin(2200 * z))
    dark = (0.05 + 0.15 * paint.lines) * laugh + 0.09 * paint.lines * (brow + feet)
    result: FloatArray = albedo * (1 - np.clip(dark, 0, 0.5))[:, None].astype(np.float32)
    return result


def _beard(x: FloatArray, y: FloatArray, z: FloatArray, front: FloatArray, hair: Hair) -> FloatArray:
    """Cover of moustache and beard, 0..1."""
    jaw = ramp(-z, -0.696, -0.668) * ramp(-y, 0.0, 0.03) * (1 - ramp(-z, -0.630, -0.606))
    mouth = _spot(x, z, (0.0, 0.662), (0.026, 0.0085))
    moustache = (1 - ramp(np.abs(z - 0.6765 + 0.1 * x), 0.0035, 0.0065)) * (1 - ramp(x, 0.026, 0.034)) * front
    chin = (1 - ramp(x, 0.022, 0.03)) * ramp(-z, -0.656, -0.647) * front
    cover = {
        "stubble": np.maximum(jaw * (1 - mouth), moustache),
        "full": np.maximum(jaw * (1 - mouth), moustache),
        "moustache": moustache,
        "goatee": np.maximum(np.maximum(chin, moustache), _spot(x, z, (0.03, 0.662), (0.006, 0.018)) * front),
        "chinstrap": np.maximum(jaw * ramp(-z, -0.668, -0.645), chin),
    }[hair.beard_kind]
    result: FloatArray = np.clip(cover * (1 - 0.9 * mouth * (z < 0.669)), 0, 1).astype(np.float32)
    return result


def paint_face(at: FloatArray, albedo: FloatArray, paint: Makeup, hair: Hair) -> FloatArray:
    """Skin albedo [n, 3] of points of the head with everything painted on; ``at`` are body coordinates [n, 6]."""
    x, y, z = np.abs(at[:, 0]), at[:, 1], at[:, 2]
    front = (y < -0.06).astype(np.float32)
    hair_colour = np.asarray(hair.colour, np.float32) * np.float32(0.75 if max(hair.colour) < 0.5 else 0.6)
    rosy = _spot(x, z, (0.044, 0.697), (0.02, 0.017)) * front * paint.blush
    albedo = over(albedo, rosy, albedo * np.array([1.0, 0.72, 0.7], np.float32))
    hollow = _spot(x, z, (0.058, 0.675), (0.014, 0.02)) * front
    albedo = albedo * (1 - 0.07 * hollow)[:, None]
    if paint.freckles > 0:
        spots = (np.sin(at[:, 0] * 2900) * np.sin(z * 2500 + 5 * np.sin(at[:, 0] * 400)) > 0.55) * front
        albedo = albedo * (1 - paint.freckles * spots * (z > 0.68) * (z < 0.725))[:, None]
    if hair.beard > 0:
        cover = _beard(x, y, z, front, hair) * hair.beard
        cover = cover * (0.85 + 0.15 * np.sin(at[:, 0] * 1900 + 7 * np.sin(z * 700)))
        albedo = over(albedo, cover, hair_colour * np.float32(0.85) + np.float32(0.15) * albedo)
    if hair.kind in ("buzz", "receding"):
        albedo = over(albedo, (z > 0.765) * 0.22, hair_colour)
    albedo = _paint_age(x, z, front, albedo, paint)
    albedo = _paint_nose(x, y, z, albedo, paint)
    albedo = _paint_mouth(x, z, at[:, 5], front, albedo, paint)
    return _paint_eyes(x, z, front, albedo, paint, hair_colour).astype(np.float32)
