"""Images in tar shards of WebDataset's layout, read where they are: without unpacking, one by one, in any order.

A sample is the files of a tar whose names begin alike: `12.jpg`, `12.json` and `12.cls`; a tar may hold folders. Its image is
the only one it has, or the one called `refined`, as in the shards of refine.py, or the one without a further word (`12.png`
beside `12.mask_face.png`). `cls` holds its class, and `box` in its JSON the boxes of its parts.
"""

import io
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from insetgan.data.annotations import Annotations, Box
from insetgan.runtime import limits, objects
from insetgan.runtime.errors import UserError
from insetgan.runtime.object_cache import fetch
from insetgan.runtime.reading import parse_json, size_text
from insetgan.runtime.tar_index import scan_tar
from insetgan.runtime.tars import Place
from insetgan.runtime.zips import shown

TAR = ".tar"
_IMAGES = ("webp", "png", "jpg", "jpeg")
_REFINED = "refined"


def shard_addresses(path: str | Path) -> list[str] | None:
    """The tar files that a path stands for, in order; None where it is something else.

    Args:
        path: a tar, a pattern with braces, the address of an object store, or a folder of tar files.

    Raises:
        UserError: a pattern that will not do, or one of which files are missing.
    """
    given = Path(path)
    if not objects.is_remote(path) and given.is_dir():
        tars = sorted(str(each) for each in given.glob(f"*{TAR}"))
        return tars or None
    if not (objects.is_remote(path) or objects.is_pattern(path) or given.suffix == TAR) or given.exists():
        return [str(given)] if given.suffix == TAR and given.exists() else None
    found = objects.expand(path)
    if odd := next((each for each in found if not each.endswith(TAR)), None):
        raise UserError(f"data.path={objects.as_address(path)}: {odd} must be a tar, such as people-{{0000..0009}}.tar")
    if missing := [each for each in found if not objects.is_remote(each) and not Path(each).is_file()]:
        raise UserError(
            f"data.path={path}: {len(missing)} of {len(found)} shards are not there, the first {missing[0]}"
        )
    return found


class Shards:
    """The images of tar shards, as a container of an archive (`data.containers.Container`).

    Args:
        addresses: of the tars, on this machine or in object stores.

    Attributes:
        remote: whether any is in an object store, from which copies are fetched (`runtime.object_cache`).
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = list(addresses)
        self.notes: list[str] = []
        self.labels: dict[str, int] = {}
        self.remote = any(map(objects.is_remote, self.addresses))
        self._boxes: dict[str, dict[str, Box | None]] = {}
        self._number: dict[str, int] = {}
        self._shard, self._offset, self._size = array("l"), array("q"), array("q")

    def names(self) -> list[str]:
        """Scan all shards; names are those of the images, behind that of their shard. See `Container`."""
        passed: Counter[str] = Counter()
        for number, (address, stem) in enumerate(zip(self.addresses, _stems(self.addresses), strict=True)):
            try:
                with _open(address) as stream:
                    for key, image, place, said in _samples(stream, passed):
                        name = f"{stem}/{image}"
                        self._number[name] = len(self._shard)
                        self._shard.append(number)
                        self._offset.append(place.offset)
                        self._size.append(place.size)
                        self._keep(name, key, said)
            except (ValueError, OSError) as error:
                if isinstance(error, UserError):
                    raise
                raise UserError(f"data.path={address}: {' '.join(str(error).split())}") from error
        if passed:
            kinds = ", ".join(f"{count} {shown(kind)}" for kind, count in passed.most_common(5))
            self.notes.append(f"{sum(passed.values())} files of the shards passed over ({kinds})")
        return list(self._number)

    def _keep(self, name: str, key: str, said: dict[str, Any]) -> None:
        if "cls" in said:
            self.labels[name] = said["cls"]
        boxes = said.get("box")
        if isinstance(boxes, dict):
            self._boxes[name] = {str(part): _box(box, key) for part, box in boxes.items()}

    def annotations(self) -> Annotations | None:
        """The boxes of the samples' JSON; None where there are none. Call `names` before."""
        if not self._boxes:
            return None
        parts = dict.fromkeys(part for boxes in self._boxes.values() for part in boxes)
        return Annotations(file="the samples' JSON", parts=tuple(parts), boxes=self._boxes)

    def shard_of(self, name: str) -> int:
        """The number of the shard in which an image lies."""
        return self._shard[self._number[name]]

    def read(self, name: str, most: int) -> bytes:
        """See `Container`."""
        number = self._number[name]
        size, address = self._size[number], self.addresses[self._shard[number]]
        if size > most:
            raise ValueError(f"holds {size_text(size)}, at most {size_text(most)} are read")
        with _open(address) as stream:
            stream.seek(self._offset[number])
            content = stream.read(size)
        if len(content) != size:
            raise ValueError(f"{address} was changed or cut short meanwhile")
        return content

    def stream(self, name: str) -> IO[bytes]:
        """See `Container`."""
        return io.BytesIO(self.read(name, limits.IMAGE_BYTES))


def _open(address: str) -> IO[bytes]:
    """A tar, or the copy of it that is kept on this machine."""
    if not objects.is_remote(address):
        return open(address, "rb")
    for _ in range(3):
        try:
            return fetch(address).open("rb")
        except FileNotFoundError:  # another process needed its room
            continue
    return fetch(address).open("rb")


def _stems(addresses: Sequence[str]) -> list[str]:
    """Names of the shards without folders, numbered where two are called alike."""
    stems = [address.rpartition("/")[2].removesuffix(TAR) for address in addresses]
    if len(set(stems)) == len(stems):
        return stems
    return [f"{number:06d}-{stem}" for number, stem in enumerate(stems)]


def _samples(stream: IO[bytes], passed: Counter[str]) -> Iterator[tuple[str, str, Place, dict[str, Any]]]:
    """Key, name and place of the image, and what its JSON and class say, of each sample of a tar."""
    key, files = "", dict[str, Place]()
    for name, place in scan_tar(stream):
        folder, slash, last = name.rpartition("/")
        stem, _, kind = last.partition(".")
        if last.startswith(".") or not kind:
            passed[kind or "without ending"] += 1
            continue
        if (of := folder + slash + stem) != key:
            if files:
                yield from _sample(stream, key, files, passed)
            key, files = of, {}
        files[kind] = place
    if files:
        yield from _sample(stream, key, files, passed)


def _sample(
    stream: IO[bytes], key: str, files: dict[str, Place], passed: Counter[str]
) -> Iterator[tuple[str, str, Place, dict[str, Any]]]:
    images = [kind for kind in files if kind.rpartition(".")[2].lower() in _IMAGES]
    chosen = images if len(images) == 1 else [kind for kind in images if kind.startswith(f"{_REFINED}.")]
    chosen = chosen or [kind for kind in images if "." not in kind]
    if len(images) > 1 and len(chosen) != 1:
        raise ValueError(
            f"the sample {shown(key)} has {len(images)} images, {', '.join(map(shown, images[:4]))}; one is needed"
        )
    said = _said(stream, key, files)
    for kind in files:
        if kind not in (*chosen, "json", "cls"):
            passed[kind] += 1
    if chosen:
        yield key, f"{key}.{chosen[0]}", files[chosen[0]], said


def _said(stream: IO[bytes], key: str, files: dict[str, Place]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for kind in ("json", "cls"):
        if (place := files.get(kind)) is None:
            continue
        if place.size > limits.SAMPLE_JSON:
            raise ValueError(
                f"{shown(key)}.{kind} holds {size_text(place.size)}, at most {size_text(limits.SAMPLE_JSON)} are read"
            )
        stream.seek(place.offset)
        content = stream.read(place.size)
        if kind == "json":
            found = parse_json(content)
            said |= {"box": found["box"]} if isinstance(found, dict) and "box" in found else {}
        elif not content.strip().isdigit():
            raise ValueError(f"{shown(key)}.cls must be a class: 0, 1, ...")
        else:
            said["cls"] = int(content.strip()[:9])
    return said


def _box(box: Any, key: str) -> Box | None:
    if box is None:
        return None
    if not isinstance(box, list) or len(box) != 4 or any(type(value) is not int for value in box):
        raise ValueError(f"{shown(key)}.json: a box must be [x0, y0, x1, y1] in pixels")
    return box[0], box[1], box[2], box[3]
