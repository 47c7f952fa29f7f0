"""The state of an unfinished block on disk, from which the same command goes on after a kill."""

import json
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from insetgan.refine.problem import Result, Step
from insetgan.runtime.files import write_whole
from insetgan.runtime.reading import parse_json
from insetgan.runtime.tensors import open_tensors, tensors_digest

EVERY = 3.0
"""Seconds from one save to the next: so much work a kill costs at most, and one step and the save itself."""

FORMAT = 1
"""Of the file; a file of another is not gone on from."""


class PartialStore(Protocol):
    """A result folder that keeps the state of unfinished results."""

    def partial(self, key: str) -> Path:
        """Where the state of an unfinished result is kept."""
        ...

    def remove_partial(self, key: str) -> None:
        """Remove it."""
        ...


class LeftoverStore(PartialStore, Protocol):
    """One that knows what it keeps."""

    def partials(self) -> list[str]:
        """Keys of the states that are kept."""
        ...


class FrameRecorder(Protocol):
    """Keeps frames of the optimisation of every sample of a block; see `reports.video.Recorder`."""

    def __call__(self, step: Step) -> None:
        """Look at a step."""
        ...

    def finish(self, result: Result) -> None:
        """Look at the result of the block."""
        ...

    def frames(self, row: int) -> Sequence[Any]:
        """Frames of one row of the block."""
        ...

    def tensors(self, after: int) -> dict[str, Tensor]:
        """What it keeps of the steps behind number `after`."""
        ...

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Forget what it keeps, and keep this instead."""
        ...


class BlockState:
    """The state of one block, saved every few seconds; an `on_step` of the solver.

    Frames of a film are many, so each save puts only the new ones into a file of their own, beside the state.

    Args:
        store: where it is kept.
        key: name of the block there.
        depends: what the block depends on beside the settings, as text. A state of something else is not gone on from.
        recorder: of the film, if there is one.
        say: told in one line when a run goes on, or when it cannot.
        every: seconds from one save to the next; `EVERY` unless given.
        clock: seconds that have passed.
    """

    def __init__(
        self,
        store: PartialStore,
        key: str,
        depends: str,
        *,
        recorder: FrameRecorder | None = None,
        say: Callable[[str], None] = lambda line: None,
        every: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store, self.key, self.depends, self.recorder, self.say = store, key, depends, recorder, say
        self.every, self.clock = EVERY if every is None else every, clock
        self._saved = clock()
        self._recorded = -1  # the last step whose frames are saved

    def read(self) -> dict[str, Tensor] | None:
        """The state to go on from; the recorder gets its frames back. None where there is no whole state of this block."""
        path = self.store.partial(self.key)
        if not path.exists():
            return None
        state, frames = self._read(path), dict[str, Tensor]()
        for piece in self._films() if state is not None and self.recorder is not None else ():
            found = self._read(piece)
            state, frames = (None, {}) if found is None or state is None else (state, frames | found)
        if state is None:
            self.say(f"{path}: is damaged or of another run, so this block begins again")
            return None
        step = int(state["step"])
        if self.recorder is not None:
            self.recorder.load(state | {name: frame for name, frame in frames.items() if _step_of(name) < step})
            self._recorded = step - 1
        self.say(f"going on with {self.key.replace('-', ' ')} after step {step}")
        return state

    def __call__(self, step: Step) -> None:
        """Save what the block has come to, if it is time."""
        if self.clock() - self._saved < self.every:
            return
        path, state = self.store.partial(self.key), step.state()
        if self.recorder is not None:
            frames = self.recorder.tensors(self._recorded)
            state |= {name: frames.pop(name) for name in list(frames) if _step_of(name) < 0}
            # First the frames: those of steps behind the state's are left out when it is read.
            self._write(path.with_name(f"{path.name}.film{self._recorded + 1:09d}"), frames)
            self._recorded = step.index
        self._write(path, state)
        self._saved = self.clock()

    def remove(self) -> None:
        """Remove the state, because the block is finished."""
        for piece in self._films():
            piece.unlink(missing_ok=True)
        self.store.remove_partial(self.key)

    def _films(self) -> list[Path]:
        path = self.store.partial(self.key)
        return sorted(path.parent.glob(f"{path.name}.film*"))

    def _write(self, path: Path, tensors: Mapping[str, Tensor]) -> None:
        kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        note = {"format": FORMAT, "depends": self.depends, "sha256": tensors_digest(kept)}
        write_whole(path, save(kept, metadata={"block": json.dumps(note)}))

    def _read(self, path: Path) -> dict[str, Tensor] | None:
        """The tensors of a file; None where it is damaged or another block's."""
        try:
            with open_tensors(path) as file:
                note = parse_json((file.metadata() or {}).get("block", "null"))
                if not isinstance(note, dict) or note.get("depends") != self.depends:
                    return None  # before tensors are read that are of no use
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except (OSError, SafetensorError, ValueError):
            return None
        wanted = {"format": FORMAT, "depends": self.depends, "sha256": tensors_digest(tensors)}
        return tensors if note == wanted else None


def block_key(block: Sequence[int], word: str = "seed") -> str:
    """Name of a block among the unfinished ones, such as "seed-0-and-7-more"."""
    return f"{word}-{block[0]}" if len(block) == 1 else f"{word}-{block[0]}-and-{len(block) - 1}-more"


def remove_leftovers(store: LeftoverStore, seeds: Collection[int], word: str = "seed") -> int:
    """Remove the states of blocks that no command goes on from, since their samples were finished in other blocks.

    That happens if a refinement is stopped, and given again with another batch_size.

    Args:
        store: in which they are kept.
        seeds: that are finished.
        word: what the numbers of a block count, as in `block_key`.

    Returns:
        How many blocks were left over.
    """
    blocks = set()
    for key in store.partials():
        match = re.match(rf"({word}-(\d+)(-and-\d+-more)?)(\.film\d+)?$", key)
        if match is not None and int(match[2]) in seeds:
            store.remove_partial(key)
            blocks.add(match[1])
    return len(blocks)


def _step_of(name: str) -> int:
    """Number of the step that a frame belongs to; -1 for a tensor that is no frame."""
    first = name.partition("/")[0]
    return int(first) if first.isdecimal() else -1
