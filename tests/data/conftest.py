import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """What is remembered of archives stays within a test."""
    path = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(path))
    return path / "insetgan"


@pytest.fixture
def encoded():
    """Encode random pixels, or those given: encoded("PNG", height=16, width=8, mode="RGB", **options of Pillow)."""

    def encode(image_format="PNG", *, height=16, width=8, mode="RGB", pixels=None, seed=0, **options):
        if pixels is None:
            pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(pixels).convert(mode).save(stream, image_format, **options)
        return stream.getvalue()

    return encode


@pytest.fixture
def zipped(tmp_path):
    """Write an archive: zipped({name: bytes or a table to be written as JSON})."""

    def write(files, name="set.zip"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as file:
            for member, content in files.items():
                file.writestr(member, content if isinstance(content, bytes) else json.dumps(content))
        return path

    return write
