"""Shards: the samples of a large refinement in tar files, made by any number of commands that share them."""

import itertools
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insetgan.refine.refined_samples import LAYOUT as SAMPLES
from insetgan.refine.refined_samples import RefinedSamples
from insetgan.runtime.claims import Claims
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import LOCK, lock_folder, remove_leftovers
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.large_store import LargeResults
from insetgan.runtime.store import Layout
from insetgan.runtime.tars import Place, write_tar

FOLDER = "shards"
"""Where the tar files lie in the result folder."""

GATHERED = ("results.json", "index.jsonl", "sheet.png", "data_card.md", "SHA256SUMS")

LAYOUT = Layout(
    kind="shards", title="shards", pieces=r"refine-\d{6}\.(json|jsonl|tar)", folder=FOLDER, gathered=GATHERED
)

_PATIENCE = 120.0  # seconds in which even hundreds of commands that start together get their turn


@dataclass(frozen=True)
class Shard:
    """A fixed share of the samples.

    Attributes:
        number: from 0.
        seeds: of its samples, in order.
        depends: what decides it beside the settings, plain JSON values.
    """

    number: int
    seeds: Sequence[int]
    depends: Any

    @property
    def key(self) -> str:
        """Its name in the folder; `<key>.tar` holds the samples."""
        return f"refine-{self.number:06d}"


def cut_seeds(seeds: Sequence[int], shards: int) -> list[Sequence[int]]:
    """Cut seeds into so many shares whose lengths differ by one at most, in order."""
    return [seeds[len(seeds) * k // shards : len(seeds) * (k + 1) // shards] for k in range(shards)]


class Shards:
    """The shards of a refinement in their result folder, for one of the commands that make them.

    Every command works on a shard that no other has taken. Its samples lie in a folder of their own until the tar is whole,
    so that a killed command's shard goes on from its last finished samples, whoever goes on with it.

    Args:
        path: the result folder.
        mark: the fingerprint of the samples.
        shares: the seeds of each shard; see `cut_seeds`.
        origin: what decides the start of a sample beside its seed and the settings.
        batch_size: seeds that are computed together.
        images: of each sample that are kept, of `refined_samples.IMAGES`.
        overwrite: whether `working` removes the shards that are there.
    """

    def __init__(
        self,
        path: Path,
        mark: str,
        shares: Sequence[Sequence[int]],
        *,
        origin: Callable[[int], str],
        batch_size: int,
        images: Sequence[str],
        overwrite: bool = False,
    ) -> None:
        self.path, self.mark, self.overwrite = path, mark, overwrite
        bounds = [[len(share), share[0], share[-1]] for share in shares]
        every = fingerprint([list(share) for share in shares], code=False)
        whole = fingerprint([mark, "shards", every, len(shares), batch_size, list(images)], code=False)
        self.store = LargeResults(path, whole, LAYOUT, overwrite=overwrite)
        self.shards = [
            Shard(k, share, [*bounds[k], fingerprint([origin(seed) for seed in share], code=False)])
            for k, share in enumerate(shares)
        ]
        self.claims = Claims(path / ".claims")

    @contextmanager
    def working(self) -> Iterator[None]:
        """Be one of the commands that work here; the folder is claimed for these settings.

        Raises:
            UserError: the folder holds something else, cannot be written or locked, or others work in one that is to be
                overwritten.
        """
        with lock_folder(self.path, patience=_PATIENCE, tidy=False):
            if others := self.claims.others():
                if self.overwrite:
                    raise UserError(
                        f"overwrite=true: {others} other commands make shards in {self.path}; stop them first, or leave it away"
                    )
            else:
                self._tidy()
            self.store.claim()
            for folder in (self.store.results, self._partials):  # other commands' tidying stays out of them
                folder.mkdir(exist_ok=True)
                (folder / LOCK).touch()
            present = self.claims.present()
            present.__enter__()
        try:
            yield
        finally:
            present.__exit__(None, None, None)

    def _tidy(self) -> None:
        """Remove what killed commands left half-written."""
        for folder in (self.path, self.store.results, self._partials):
            remove_leftovers(folder)

    @property
    def _partials(self) -> Path:
        return self.store.partial(LOCK).parent

    def made(self, shard: Shard) -> bool:
        """Whether a shard is there, as far as its record and sizes tell."""
        return self.store.recorded(shard.key, shard.depends)

    @contextmanager
    def take(self, shard: Shard) -> Iterator[bool]:
        """Hold a shard; gives False where another command holds it, or it is made already."""
        with self.claims.take(shard.key) as mine:
            if mine and self.made(shard):
                self._discard(shard)  # perhaps a command was killed before it did so
                mine = False
            yield mine

    def samples_folder(self, shard: Shard) -> LargeResults:
        """The folder of the samples of a shard that is held, claimed; it holds those that a killed command finished."""
        path = self.store.partial(shard.key)
        remove_leftovers(path)
        folder = LargeResults(path, self.mark, SAMPLES, out=path)
        folder.claim()
        return folder

    def pack(self, shard: Shard, samples: RefinedSamples, folder: LargeResults) -> None:
        """Write the tar of a shard that is held, and its index; then remove the folder of its samples."""
        tar, index, names = f"{shard.key}.tar", f"{shard.key}.jsonl", samples.names(shard.seeds)
        lines: list[str] = []

        def write(path: Path) -> None:
            lines.clear()
            lines.extend(_index_lines(tar, folder, write_tar(path, _members(folder, names))))

        def write_index(path: Path) -> None:
            path.write_text("".join(lines), encoding="utf-8")

        sizes: dict[str, int] = {}
        data = {"samples": len(names), "bytes": sizes}

        def sized(content: Callable[[Path], None], name: str) -> Callable[[Path], None]:
            def measured(path: Path) -> None:
                content(path)
                sizes[name] = path.stat().st_size

            return measured

        pieces = {tar: sized(write, tar), index: sized(write_index, index)}
        self.store.add(shard.key, pieces, depends=shard.depends, data=data)
        self._discard(shard)

    def _discard(self, shard: Shard) -> None:
        shutil.rmtree(self.store.partial(shard.key), ignore_errors=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder for the command that gathers."""
        folder = self.store.partial("gather")
        shutil.rmtree(folder, ignore_errors=True)  # of a command that was killed
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def damaged(self) -> list[Shard]:
        """Shards that are not what their records say; every byte is read."""
        return [shard for shard in self.shards if not self.store.finished(shard.key, shard.depends)]

    def facts(self, shard: Shard) -> dict[str, Any]:
        """File name, SHA-256, size in bytes and number of samples of a shard that is made."""
        tar, data = f"{shard.key}.tar", self.store.data(shard.key)
        digest = self.store.digests(shard.key)[tar]
        return {"file": tar, "sha256": digest, "bytes": data["bytes"][tar], "samples": data["samples"]}

    def lines(self, shard: Shard) -> Iterator[str]:
        """The index of a shard, a sample a line."""
        with (self.store.results / f"{shard.key}.jsonl").open(encoding="utf-8") as file:
            yield from file


def _members(folder: LargeResults, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Names within the tar and contents, sample by sample: what was measured as JSON, then the files, by their names."""
    for name in names:
        text = json.dumps(_said(folder, name), separators=(",", ":")) + "\n"
        yield f"{name}.json", text.encode()
        for piece in sorted(folder.digests(name)):
            yield f"{name}.{piece.removeprefix(name).lstrip('_.')}", (folder.results / piece).read_bytes()


def _said(folder: LargeResults, name: str) -> dict[str, Any]:
    data: Mapping[str, Any] = folder.data(name)
    return {**data["record"], "best_step": data["best_step"]}


def _index_lines(tar: str, folder: LargeResults, written: Iterator[tuple[str, Place]]) -> Iterator[str]:
    """A line a sample: the tar, where in it each file lies, and what was measured."""
    for name, members in itertools.groupby(written, key=lambda each: each[0].partition(".")[0]):
        places = {member.partition(".")[2]: place for member, place in members}
        yield json.dumps({"shard": tar, "members": places, **_said(folder, name)}, separators=(",", ":")) + "\n"
