import itertools
from functools import partial

import numpy as np
import pytest
import torch

from insetgan.refine.block_state import BlockState, block_key, remove_leftovers
from insetgan.refine.refined_samples import LAYOUT
from insetgan.refine.schedule import Schedule, Stage
from insetgan.refine.solver import refine
from insetgan.reports.video import Recorder
from insetgan.runtime.files import write_whole
from insetgan.runtime.store import ResultFolder

SCHEDULE = Schedule(steps=20, block=5, stages=(Stage(),), tolerance=0.0)


class Folder:
    def __init__(self, path):
        self.path = path

    def partial(self, key):
        return self.path / key

    def remove_partial(self, key):
        self.partial(key).unlink(missing_ok=True)


class Off(Exception):
    pass


@pytest.fixture
def state(tmp_path):
    """Builds the state of a block in tmp_path, saved at every step."""
    return partial(BlockState, Folder(tmp_path), "block", "these seeds", every=0)


def run(task, objective, listeners, *, state=None, until=None):
    def on_step(step):
        for listener in listeners:
            listener(step)
        if step.index + 1 == until:
            raise Off

    return refine(task, objective, SCHEDULE, state=state, on_step=on_step)


def test_what_is_read_is_what_was_saved_and_goes_on_alike(problem, objective, state):
    said = []
    with pytest.raises(Off):
        run(problem(), objective(), [state()], until=13)
    kept = state(say=said.append).read()
    assert int(kept["step"]) == 13 and said == ["going on with block after step 13"]
    resumed = run(problem(), objective(), [state()], state=kept)
    whole = run(problem(), objective(), [])
    assert torch.equal(resumed.refined, whole.refined)
    assert torch.equal(resumed.curves["total"], whole.curves["total"])


def test_it_is_saved_every_few_seconds_and_no_more_often(problem, objective, state, tmp_path):
    clock = itertools.count(start=100).__next__  # a second passes at every look
    block, saved = state(every=3, clock=clock), []

    def note(step):
        saved.append((tmp_path / "block").exists())
        (tmp_path / "block").unlink(missing_ok=True)

    run(problem(), objective(), [block, note])
    assert saved[:8] == [False, False, True, False, False, True, False, False]


@pytest.mark.parametrize("harm", ["cut short", "changed", "empty", "another block", "text"])
def test_a_state_that_is_not_whole_is_said_and_not_used(problem, objective, state, tmp_path, harm):
    with pytest.raises(Off):
        run(problem(), objective(), [state()], until=3)
    path, said, depends = tmp_path / "block", [], "these seeds"
    content = bytearray(path.read_bytes())
    if harm == "another block":
        depends = "other seeds"
    elif harm == "changed":
        content[-5] ^= 1
    else:
        content = {"cut short": content[: len(content) // 2], "empty": b"", "text": b"no state at all"}[harm]
    path.write_bytes(content)
    block = BlockState(Folder(tmp_path), "block", depends, say=said.append)
    assert block.read() is None
    assert said == [f"{path}: is damaged or of another run, so this block begins again"]


def test_no_state_is_nothing_to_speak_of(state):
    assert state(say=pytest.fail).read() is None


@pytest.mark.parametrize("limit", [1 << 30, 3 * 24 * 16 * 3 * 6])
def test_a_film_goes_on_frame_by_frame(problem, objective, state, tmp_path, limit):
    def recorder():
        return Recorder(every=1, limit=limit)

    task = partial(problem, names=("right", "left"))
    whole = recorder()
    whole.finish(run(task(), objective(), [whole]))
    kept = None
    for until in (4, 7, 12, None):
        film = recorder()
        block = state(recorder=film)
        kept = block.read()
        assert (kept is None) == (until == 4)
        try:
            film.finish(run(task(), objective(), [film, block], state=kept, until=until))
        except Off:
            continue
    for row in range(3):
        ours, theirs = film.frames(row), whole.frames(row)
        assert len(ours) == len(theirs) and ours.parts == theirs.parts
        assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))
    assert len(list(tmp_path.iterdir())) > 2, "each save puts new frames into a file of their own"
    block.remove()
    assert not list(tmp_path.iterdir())


def test_frames_behind_the_state_are_made_again(problem, objective, state, tmp_path):
    """A kill may come between the frames and the state."""
    film = Recorder(every=1)
    with pytest.raises(Off):
        run(problem(), objective(), [film, state(recorder=film)], until=5)
    before = (tmp_path / "block").read_bytes()
    film = Recorder(every=1)
    block = state(recorder=film)
    with pytest.raises(Off):
        run(problem(), objective(), [film, block], state=block.read(), until=9)
    (tmp_path / "block").write_bytes(before)
    film = Recorder(every=1)
    assert int(state(recorder=film).read()["step"]) == 5
    assert [shot.index for shot in film.frames(0).shots] == [0, 1, 2, 3, 4]


def test_a_damaged_piece_of_the_film_begins_the_block_again(problem, objective, state, tmp_path):
    film = Recorder(every=1)
    with pytest.raises(Off):
        run(problem(), objective(), [film, state(recorder=film)], until=5)
    next(tmp_path.glob("*.film*")).write_bytes(b"")
    assert state(recorder=Recorder(every=1)).read() is None


def test_keys():
    assert block_key([3]) == "seed-3"
    assert block_key([4, 0, 1]) == "seed-4-and-2-more"
    assert block_key([12], "image") == "image-12"


def test_what_was_left_over_of_finished_samples_is_removed_and_nothing_else(tmp_path):
    store = ResultFolder(tmp_path, "0" * 64, LAYOUT)
    kept = ["seed-4-and-1-more", "image-0", "other"]
    gone = ["seed-0-and-1-more", "seed-0-and-1-more.film000000003", "seed-2"]
    with store.open():
        for key in kept + gone:
            write_whole(store.partial(key), b"state")
        assert store.partials() == sorted(kept + gone)
        assert remove_leftovers(store, {0, 1, 2, 3}) == 2
        assert store.partials() == sorted(kept)
        assert remove_leftovers(store, range(1), "image") == 1
        assert remove_leftovers(store, {0, 1, 2, 3}) == 0
