"""The line in front of the solver."""

import threading
import time
from types import SimpleNamespace

import pytest

from insetgan.runtime.errors import UserError
from insetgan.studio import line as line_module
from insetgan.studio.job import Job
from insetgan.studio.line import Line
from insetgan.studio.wish import Wish


class Slow:
    """Takes steps until it is let go; remembers what it was asked for."""

    mistakes = (UserError,)

    def __init__(self):
        self.go, self.asked, self.at_once, self.most, self.steps = threading.Event(), [], 0, 0, 0

    def __call__(self, overrides, root, on_step, say):
        self.asked.append(overrides[1])
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            if "steps=13" in overrides:
                raise UserError("steps=13:\n brings bad luck")
            if "steps=14" in overrides:
                raise ZeroDivisionError
            while not self.go.is_set():
                on_step(SimpleNamespace(index=0, steps=1, total=_Never()))
                self.steps += 1
                time.sleep(0.005)
        finally:
            self.at_once -= 1
        return root


class _Never:
    """A total that is never finite, so that no picture is made of it."""

    def isfinite(self):
        return [False]


@pytest.fixture
def slow():
    return Slow()


@pytest.fixture
def line(slow, tmp_path):
    made = Line(slow, tmp_path)
    yield made
    made.close()


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


def test_one_at_a_time_in_the_order_of_asking(line, slow):
    jobs = [line.join(Job(Wish(body=number))) for number in range(4)]
    until(lambda: jobs[0].state == "running")
    assert [line.rank(job) for job in jobs] == [0, 1, 2, 3]
    slow.go.set()
    until(lambda: all(job.state == "done" for job in jobs))
    assert slow.asked == ["seeds=0", "seeds=1", "seeds=2", "seeds=3"] and slow.most == 1


def test_stop_ends_the_running_one_at_its_next_step_and_the_next_begins(line, slow):
    first, second = line.join(Job(Wish())), line.join(Job(Wish()))
    until(lambda: slow.steps > 3)
    line.stop(first)
    before = slow.steps
    until(lambda: first.state == "stopped")
    assert slow.steps <= before + 1
    until(lambda: second.state == "running")


def test_who_waits_and_stops_leaves_the_line_at_once(line, slow):
    first, second, third = (line.join(Job(Wish(body=number))) for number in range(3))
    until(lambda: first.state == "running")
    line.stop(second)
    assert second.state == "stopped" and line.rank(third) == 1
    slow.go.set()
    until(lambda: third.state == "done")
    assert slow.asked == ["seeds=0", "seeds=2"]


def test_a_mistake_is_one_line_and_the_next_one_goes_on(line, slow):
    slow.go.set()
    bad, good = line.join(Job(Wish(steps=13))), line.join(Job(Wish()))
    until(lambda: good.state == "done")
    assert bad.state == "failed" and bad.problem == "steps=13: brings bad luck"


def test_a_bug_is_told_to_the_terminal_and_ends_nothing(line, slow, caplog):
    slow.go.set()
    bad, good = line.join(Job(Wish(steps=14))), line.join(Job(Wish()))
    until(lambda: good.state == "done")
    assert bad.state == "failed" and "bug" in bad.problem and "ZeroDivisionError" in caplog.text


def test_the_line_has_an_end(line, monkeypatch):
    monkeypatch.setattr(line_module, "MOST_WAITING", 2)
    first = line.join(Job(Wish()))
    until(lambda: first.state == "running")
    line.join(Job(Wish()))
    line.join(Job(Wish()))
    with pytest.raises(UserError, match="2 compositions are waiting already"):
        line.join(Job(Wish()))


def test_pictures_go_with_the_composition_and_folders_with_time(line, slow, tmp_path, monkeypatch):
    monkeypatch.setattr(line_module, "MOST_KEPT", 2)
    slow.go.set()
    picture = tmp_path / "lent.png"
    picture.write_bytes(b"x")
    jobs = [line.join(Job(Wish(), {"canvas": picture} if number == 0 else {})) for number in range(4)]
    until(lambda: line.find(jobs[1].key) is None)
    assert not picture.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(job.key for job in jobs[2:])


def test_keys_cannot_be_guessed_and_others_find_nothing(line):
    job = line.join(Job(Wish()))
    assert len(job.key) >= 20 and line.find(job.key) is job
    assert [line.find(other) for other in ("", None, [], {}, "x")] == [None] * 5


def test_closing_stops_all(slow, tmp_path):
    line = Line(slow, tmp_path)
    jobs = [line.join(Job(Wish())) for _ in range(2)]
    until(lambda: jobs[0].state == "running")
    line.close()
    assert jobs[0].state == "stopped" and jobs[1].state == "waiting" and not line._thread.is_alive()
