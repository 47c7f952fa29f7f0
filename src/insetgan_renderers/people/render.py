"""An image of a person: the stage of a seed, ray-cast, shaded and put before its background."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter

from insetgan_renderers.people.backdrop import floor_shadow, paint_backdrop
from insetgan_renderers.people.camera import Camera
from insetgan_renderers.people.lighting import key_shadow, shade, sky_seen, to_srgb
from insetgan_renderers.people.raycast import Cast
from insetgan_renderers.people.stage import Stage, build_stage
from insetgan_renderers.people.surface import PART_LABELS, REST, Hits
from insetgan_renderers.people.template import FloatArray, IntArray

MIN_PIXELS = 4
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Person:
    """A rendered image and its truth.

    Attributes:
        image: [H, W, 3] uint8 RGB.
        labels: [H, W] uint8: 0 background, 1 face (head with hair and chin), 2 and 3 the person's own left and
            right hand, 4 feet (shoes), 5 the rest of the person.
        boxes: part -> (x0, y0, x1, y1), half-open pixels round the part's label, None when under 4 pixels show.
    """

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    boxes: dict[str, Box | None]


def _window(stage: Stage, camera: Camera, height: int, width: int) -> tuple[int, int, int, int]:
    """Rows and columns of the image that the person can touch."""
    spots = camera.project(stage.scene.vertices, width)
    low, high = np.floor(spots.min(axis=0)) - 1, np.ceil(spots.max(axis=0)) + 1
    r0, c0 = (int(max(0, v)) for v in low)
    return r0, min(height, int(high[0])), c0, min(width, int(high[1]))


def _pixel_mean(values: FloatArray, pixel: IntArray, grid: tuple[int, int], reach: int) -> FloatArray:
    """Mean of point values over each pixel and its neighbours within reach, read back at all points of ``pixel``."""
    total = np.bincount(pixel, weights=values, minlength=grid[0] * grid[1]).reshape(grid)
    count = np.bincount(pixel, minlength=grid[0] * grid[1]).reshape(grid).astype(np.float64)
    size = 2 * reach + 1
    mean = uniform_filter(total, size, mode="constant") / np.maximum(uniform_filter(count, size, mode="constant"), 1e-9)
    result: FloatArray = mean.astype(np.float32).ravel()
    return result


def _pixel_sky(
    stage: Stage, cast: Cast, pixel: IntArray, sample: IntArray, samples: int, grid: tuple[int, int], reach: int
) -> FloatArray:
    """Share of the sky seen by every hit, from every other sample, smoothed over the image."""
    rows = np.flatnonzero(sample % 2 == 0)
    seen = sky_seen(
        stage.scene, cast.position[rows], cast.normal[rows], pixel[rows], sample[rows] // 2, (samples + 1) // 2
    )
    return _pixel_mean(seen, pixel[rows], grid, reach)[pixel]


def _shade(
    stage: Stage,
    cast: Cast,
    ways: FloatArray,
    pixel: IntArray,
    sample: IntArray,
    samples: int,
    grid: tuple[int, int],
    reach: int,
) -> tuple[FloatArray, npt.NDArray[np.uint8]]:
    """Linear colour and label of every hit."""
    count = len(cast.ray)
    albedo, normal = np.zeros((count, 3), np.float32), cast.normal.copy()
    gloss, labels = np.zeros(count, np.float32), np.zeros(count, np.uint8)
    for number, surface in enumerate(stage.scene.surfaces):
        rows = np.flatnonzero(cast.surface == number)
        if len(rows):
            look = surface.look(Hits(cast.at[rows], cast.position[rows], cast.normal[rows]))
            albedo[rows], gloss[rows], labels[rows], normal[rows] = look.albedo, look.gloss, look.labels, look.normal
    key = key_shadow(stage.scene, stage.light, cast.position, cast.normal, pixel, sample, samples)
    sky = _pixel_sky(stage, cast, pixel, sample, samples, grid, reach)
    skin = (cast.surface == 0).astype(np.float32)
    return shade(stage.light, albedo, gloss, normal, ways[cast.ray], key, sky, skin), labels


def boxes_of(labels: npt.NDArray[np.uint8]) -> dict[str, Box | None]:
    """Tight half-open boxes of the parts in a label image."""
    boxes: dict[str, Box | None] = {}
    for part, label in PART_LABELS.items():
        rows, columns = np.nonzero(labels == label)
        boxes[part] = None
        if len(rows) >= MIN_PIXELS:
            boxes[part] = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    return boxes


def _rays(window: tuple[int, int, int, int], samples: int) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
    """Image rows and columns of all samples in a window, the pixel within it and the number of each sample."""
    r0, r1, c0, c1 = window
    n = samples
    fine = [(np.arange(a * n, b * n, dtype=np.float32) + 0.5) / n for a, b in ((r0, r1), (c0, c1))]
    rows, columns = np.meshgrid(fine[0], fine[1], indexing="ij")
    i, j = np.meshgrid(np.arange((r1 - r0) * n), np.arange((c1 - c0) * n), indexing="ij")
    pixel, number = (i // n) * (c1 - c0) + j // n, (i % n) * n + j % n
    return rows.ravel().astype(np.float32), columns.ravel().astype(np.float32), pixel.ravel(), number.ravel()


def _photograph(
    stage: Stage, camera: Camera, window: tuple[int, int, int, int], width: int, samples: int, reach: int
) -> tuple[FloatArray, npt.NDArray[np.uint8]]:
    """Premultiplied linear colour with coverage [h, w, 4] and majority labels [h, w] of a window."""
    r0, r1, c0, c1 = window
    rows, columns, pixel, number = _rays(window, samples)
    origins, ways = camera.rays(rows, columns, width)
    cast = stage.scene.cast(origins, ways)
    colour, hit_labels = _shade(
        stage, cast, ways, pixel[cast.ray], number[cast.ray], samples**2, (r1 - r0, c1 - c0), reach
    )
    shape = (r1 - r0, samples, c1 - c0, samples)
    layer = np.zeros((rows.size, 4), np.float32)
    layer[cast.ray, :3] = colour
    layer[cast.ray, 3] = 1
    votes = np.zeros(rows.size, np.int64)
    votes[cast.ray] = hit_labels
    cells = (r1 - r0) * (c1 - c0)
    counts = np.bincount(pixel * (REST + 1) + votes, minlength=cells * (REST + 1)).reshape(r1 - r0, c1 - c0, REST + 1)
    return layer.reshape(*shape, 4).mean(axis=(1, 3)), counts.argmax(axis=2).astype(np.uint8)


def render_person(seed: int, height: int = 256, width: int = 128, *, samples: int = 3) -> Person:
    """Render the person of a seed. A pure function: the same arguments give the same image everywhere.

    Args:
        seed: any non-negative integer.
        height: of the image in pixels; the person fills about nine tenths of it.
        width: of the image in pixels, usually half the height.
        samples: rays a pixel are samples x samples.
    """
    stage = build_stage(seed)
    camera = replace(stage.camera, scale=stage.camera.scale * height)
    window = _window(stage, camera, height, width)
    r0, r1, c0, c1 = window
    layer, inside = _photograph(stage, camera, window, width, samples, max(1, round(height / 128)))
    labels = np.zeros((height, width), np.uint8)
    labels[r0:r1, c0:c1] = inside
    image = paint_backdrop(stage.backdrop, height, width)
    image *= floor_shadow(stage.backdrop, camera, stage.soles, stage.floor, stage.light.key, height, width)[..., None]
    image[r0:r1, c0:c1] = image[r0:r1, c0:c1] * (1 - layer[..., 3:]) + layer[..., :3]
    return Person(np.round(to_srgb(image) * 255).astype(np.uint8), labels, boxes_of(labels))
