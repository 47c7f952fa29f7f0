"""The actions of the tab, without a page."""

import asyncio
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from insetgan.runtime.errors import UserError
from insetgan.studio.compose import Composer, query_of
from insetgan.studio.line import Line
from insetgan.studio.preview import Preview
from insetgan.studio.upload import Uploads

STEP = SimpleNamespace(index=0, steps=1, total=SimpleNamespace(isfinite=lambda: [False]))
LOOK = Preview(3, 10, b"png", (4, 4), {"face": 1.5}, {"face": 2.0})


class Refiner:
    """Works until it is let go; notes what each composition was asked for and what its pictures held."""

    mistakes = (UserError,)

    def __init__(self):
        self.go, self.asked, self.held = threading.Event(), [], []

    def __call__(self, overrides, root, on_step, say):
        self.asked.append(overrides)
        for word in overrides:
            key, _, value = word.partition("=")
            if key.endswith(".image"):
                with open(value, "rb") as file:
                    self.held.append(file.read())
        on_step.show(LOOK)
        say("left out")
        while not self.go.wait(0.005):
            on_step(STEP)
        return root


@pytest.fixture
def refiner():
    return Refiner()


@pytest.fixture
def composer(refiner, tmp_path):
    (tmp_path / "results").mkdir()
    line = Line(refiner, tmp_path / "results")
    yield Composer(line, Uploads(tmp_path / "uploads"), None, None)
    line.close()


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "me.png"
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path)
    return path


def followed(composer, key, until="never"):
    async def follow():
        seen = []
        async for live, status in composer.watch(key):
            seen.append((live, status))
            if until in status:
                break
        return seen

    return asyncio.run(asyncio.wait_for(follow(), 60))


def test_a_composition_is_followed_to_its_end(composer, refiner):
    job = composer.ask({"body": 4}, {})
    seen = followed(composer, job.key, until="Step 3 of 10")
    assert "face: seam 1.50, band 2.0." in seen[-1][1] and "data:image/png;base64," in seen[-1][0]
    refiner.go.set()
    assert "Done. left out." in followed(composer, job.key)[-1][1]
    assert refiner.asked[0][1] == "seeds=4"


def test_who_comes_back_sees_where_it_stands_and_others_see_nothing(composer):
    job = composer.ask({}, {})
    followed(composer, job.key, until="Step")
    assert "Step 3" in followed(composer, job.key, until="Step")[-1][1]
    assert followed(composer, "guess") == [] and composer.outcome("guess") is None
    assert "nothing to stop" in composer.stop("guess")
    assert "next step" in composer.stop(job.key) or job.over
    assert "Stopped after step 3 of 10." in followed(composer, job.key)[-1][1]


def test_a_new_composition_of_a_page_stops_the_one_before(composer):
    first = composer.ask({}, {})
    second = composer.ask({}, {}, first.key)
    followed(composer, second.key, until="Step")
    assert first.state == "stopped" and second.state == "running"


def test_a_picture_is_lent_to_the_composition_alone(composer, refiner, picture):
    data = picture.read_bytes()
    key, _ = composer.uploads.take(picture)
    job = composer.ask({"mode": "montage"}, {"face": key})
    followed(composer, job.key, until="Step")
    assert job.words()[-1] == "parts.face.image=me.png" and "me.png" not in refiner.asked[0][-1]
    again = composer.ask({"mode": "montage"}, {"face": key})  # the page may use it again meanwhile
    refiner.go.set()
    followed(composer, job.key)
    followed(composer, again.key)
    assert refiner.held == [data, data]
    assert list(composer.uploads.folder.iterdir()) == [composer.uploads.find(key).path]
    late = composer.ask({"mode": "montage"}, {"face": key})
    composer.uploads.remove(key)  # which does not matter to a composition that was asked for
    followed(composer, late.key)
    assert late.state == "done" and not list(composer.uploads.folder.iterdir())


def test_mistakes_are_said_and_nothing_is_asked(composer, refiner, picture):
    key, _ = composer.uploads.take(picture)
    for wish, pictures, problem in (
        ({"psi": 3.0}, {}, "psi=3.0: must be at most 2"),
        ({"parts": []}, {}, "parts=.*must have at least 1"),
        ({}, {"canvas": "gone"}, "deleted after an hour"),
        ({"parts": ["feet"]}, {"face": key}, "needs the part face"),
    ):
        with pytest.raises(UserError, match=problem):
            composer.ask(wish, pictures)
    assert refiner.asked == [] and len(list(composer.uploads.folder.iterdir())) == 1


def test_the_address_of_values_in_the_order_of_the_fields():
    assert query_of([3, None, 0.7, "joint", ["face"], "none", None, True]) == "body=3&film=true"
    assert query_of([-3, None, 0.7, "joint", ["face"], "none", None, True]) == ""
