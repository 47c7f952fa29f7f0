"""Folds of cloth: waves of the normal where cloth is pulled or pushed together."""

import numpy as np

from insetgan_renderers.people.template import FloatArray


def wrinkles(at: FloatArray, rng_seed: int, amplitude: float) -> FloatArray:
    """Offsets of the normal [n, 3]: the gradient of a few warped waves, 5 to 20 cm long."""
    rng = np.random.default_rng(rng_seed)
    bump = np.zeros((len(at), 3), np.float32)
    warp = np.zeros(len(at), np.float32)
    for length in (0.22, 0.13, 0.09, 0.06):
        wave = rng.normal(size=3) * np.array([1.0, 0.6, 1.0])
        wave = (wave / np.linalg.norm(wave) * 2 * np.pi / length).astype(np.float32)
        phase = at[:, :3] @ wave + np.float32(rng.uniform(0, 6.28)) + 1.5 * warp
        bump += np.cos(phase)[:, None] * wave / np.linalg.norm(wave)
        warp = np.sin(phase)
    return bump * np.float32(amplitude)


def _hill(value: FloatArray, centre: float, width: float) -> FloatArray:
    result: FloatArray = np.exp(-(((value - centre) / width) ** 2))
    return result


def _rise(value: FloatArray, low: float, high: float) -> FloatArray:
    t = np.clip((value - low) / (high - low), 0, 1)
    result: FloatArray = t * t * (3 - 2 * t)
    return result


def top_folds(at: FloatArray, seed: int, loose: float, hem: float) -> tuple[FloatArray, FloatArray]:
    """Folds of a top: rings at the elbow and the cuff, fans from the armpit, slack above the hem.

    Args:
        at: body coordinates [n, 6].
        seed: of the phases.
        loose: 0 (tight) to 1.
        hem: template z of the hem, metres.

    Returns:
        Offsets of the normal [n, 3] and how deep a point lies in a fold, [n] in 0..1.
    """
    r = np.random.default_rng(seed).uniform(0, 6.28, size=8).astype(np.float32)
    x, y, z, arm = np.abs(at[:, 0]), at[:, 1], at[:, 2], at[:, 3]
    sleeve = _rise(arm, 0.0, 0.15)
    body = 1 - sleeve
    warp = np.sin(at[:, 0] * 31 + r[0]) + 0.6 * np.sin(y * 43 + r[1]) + 0.8 * np.sin(z * 23 + y * 31 + r[7])
    # Around a sleeve folds run askew and die out on one side.
    fade = 0.55 + 0.45 * np.sin(at[:, 0] * 40 + y * 50 + arm * 5 + r[3])
    waves = (
        (fade * sleeve * _hill(arm, 1.0, 0.3), 27 * arm + 45 * y + 1.6 * warp + r[2]),
        (0.7 * fade * sleeve * _rise(arm, 1.5, 1.9), 42 * arm - 30 * y + 2.0 * warp + r[3]),
        (0.8 * _hill(x, 0.15, 0.05) * _hill(z, 0.47, 0.09), 85 * (0.9 * x + z) + warp + r[4]),
        (body * _hill(z, hem + 0.09, 0.085), 70 * z + 26 * x * np.sign(at[:, 0] + 0.03) + 2.2 * warp + r[5]),
        (0.5 * body * _hill(z, 0.33, 0.08), 62 * z - 38 * at[:, 0] + 1.8 * warp + r[6]),
    )
    return _sum(waves, 0.1 + 0.27 * loose)


def leg_folds(at: FloatArray, seed: int, loose: float) -> tuple[FloatArray, FloatArray]:
    """Folds of trousers: fans from the crotch, rings at the knee, stacks above the shoe. See `top_folds`."""
    r = np.random.default_rng(seed).uniform(0, 6.28, size=6).astype(np.float32)
    x, y, z, leg = np.abs(at[:, 0]), at[:, 1], at[:, 2], at[:, 4]
    warp = np.sin(at[:, 0] * 37 + r[0]) + 0.6 * np.sin(y * 41 + r[1]) + 0.8 * np.sin(z * 17 + at[:, 0] * 21 + r[2])
    fade = 0.5 + 0.5 * np.sin(at[:, 0] * 33 + y * 38 + leg * 7 + r[4])
    waves = (
        (0.9 * _hill(leg, 0.12, 0.2) * _hill(x, 0.03, 0.09), 95 * (0.7 * x + z) + 0.8 * warp + r[2]),
        (0.8 * fade * _hill(leg, 1.0, 0.2), 33 * leg + 25 * at[:, 0] + 1.8 * warp + r[3]),
        (fade * _rise(leg, 1.5, 1.95), 40 * leg - 22 * at[:, 0] + 2.2 * warp + r[4]),
        (0.3 * _hill(leg, 0.6, 0.3), 60 * z + 30 * x + 2.2 * warp + r[5]),
    )
    return _sum(waves, 0.1 + 0.26 * loose)


def hanging_folds(at: FloatArray, seed: int, depth: float, top: float) -> tuple[FloatArray, FloatArray]:
    """Folds that hang down from a waist at template z ``top``, deeper the lower. See `top_folds`."""
    r = np.random.default_rng(seed).uniform(0, 6.28, size=4).astype(np.float32)
    turn = np.arctan2(at[:, 0], -at[:, 1])
    low = np.clip((top - at[:, 2]) / 0.25, 0, 1)
    phase = 13 * turn + 1.2 * np.sin(3 * turn + r[0]) + r[1]
    phase2 = 23 * turn + 1.5 * np.sin(5 * turn + r[2]) + r[3]
    wave = (np.cos(phase) + 0.5 * np.cos(phase2)) * low * np.float32(depth)
    bump = np.stack([np.cos(turn), np.sin(turn), np.zeros_like(turn)], axis=1) * wave[:, None]
    deep = np.clip(0.5 - 0.4 * np.sin(phase), 0, 1) * low * min(1.0, 2 * depth)
    return bump.astype(np.float32), deep.astype(np.float32)


def _sum(waves: tuple[tuple[FloatArray, FloatArray], ...], amplitude: float) -> tuple[FloatArray, FloatArray]:
    slope = np.asarray(sum(weight * np.cos(phase) for weight, phase in waves)) * amplitude
    deep = np.asarray(sum(weight * np.clip(-np.sin(phase), 0, 1) for weight, phase in waves)) * min(
        1.0, 1.6 * amplitude
    )
    bump = np.zeros((len(slope), 3), np.float32)
    bump[:, 2], bump[:, 0] = slope, 0.25 * slope
    return bump, np.clip(deep, 0, 1).astype(np.float32)
