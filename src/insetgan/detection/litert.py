"""MediaPipe's models, which come with the package, computed by LiteRT without mediapipe."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from insetgan.runtime.errors import UserError
from insetgan.runtime.reading import read_file

FOLDER = Path(__file__).with_name("mediapipe")
_MOST_BYTES = 1 << 26

Shape = tuple[int, ...]
Computed = Callable[[np.ndarray], dict[Shape, np.ndarray]]
"""A model: one float32 input to its outputs, by their shapes."""


@dataclass(frozen=True)
class Model:
    """A model in the folder `mediapipe` beside this file; its README.md says where each comes from.

    Attributes:
        name: of its file, without ending.
        sha256: of the file.
        given: shape of its input.
        found: shapes of its outputs, no two of which are the same.
    """

    name: str
    sha256: str
    given: Shape
    found: tuple[Shape, ...]

    @property
    def path(self) -> Path:
        """Its file."""
        return FOLDER / f"{self.name}.tflite"

    def load(self) -> Computed:
        """The model ready to compute, on one thread of the processor; loaded once a process.

        Raises:
            UserError: the file is missing or damaged, or LiteRT is not installed.
        """
        return _loaded(self)


FACE = Model(
    "face",
    "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
    (1, 192, 192, 3),
    ((1, 2304, 16), (1, 2304, 1)),
)
PALM = Model(
    "palm",
    "2f25e740121983f68ffc05f99991d524dc0ea812134f6316a26125816941ee85",
    (1, 192, 192, 3),
    ((1, 2016, 18), (1, 2016, 1)),
)
PERSON = Model(
    "person",
    "a63c614bef30d35947f13be361820b1e4e3bec9cfeebf4d11216a18373108e85",
    (1, 224, 224, 3),
    ((1, 2254, 12), (1, 2254, 1)),
)
LANDMARKS = Model(
    "landmarks",
    "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    (1, 256, 256, 3),
    ((1, 195), (1, 1), (1, 256, 256, 1), (1, 64, 64, 39), (1, 117)),
)
"""39 points of x, y, z, visibility and presence, presence of a body, mask, heat of the points, points in metres."""


@lru_cache(maxsize=8)
def _loaded(model: Model) -> Computed:
    try:
        content = read_file(model.path, _MOST_BYTES)
    except (OSError, ValueError) as error:
        raise UserError(f"{model.path}: cannot be read; install insetgan again") from error
    if hashlib.sha256(content).hexdigest() != model.sha256:
        raise UserError(f"{model.path}: is damaged, its SHA-256 is another; install insetgan again")
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise UserError(f"{model.path.name}: needs ai-edge-litert: pip install 'insetgan[photos]'") from error
    with _no_chatter():
        interpreter: Any = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    index = interpreter.get_input_details()[0]["index"]
    places = {tuple(map(int, each["shape"])): each["index"] for each in interpreter.get_output_details()}
    assert set(places) == set(model.found), places
    lock = threading.Lock()  # an interpreter has one set of tensors

    def compute(array: np.ndarray) -> dict[Shape, np.ndarray]:
        with lock:
            interpreter.set_tensor(index, array)
            interpreter.invoke()
            return {shape: interpreter.get_tensor(place) for shape, place in places.items()}

    return compute


@contextmanager
def _no_chatter() -> Iterator[None]:
    """Drop what the library writes to the error stream by itself, past Python's."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def sigmoid(logits: np.ndarray | float) -> np.ndarray:
    """1 / (1 + exp(-logits)), for logits of any size."""
    return np.asarray(1 / (1 + np.exp(-np.clip(np.asarray(logits, np.float64), -100, 100))))
