from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("embreex")
pytest.importorskip("anny")

from insetgan.data.archive import Archive
from insetgan.runtime.errors import UserError
from insetgan_renderers.people import dataset, stage
from insetgan_renderers.people.dataset import People, write_people
from insetgan_renderers.people.render import Person, boxes_of, render_person

SEEDS = range(8)
HEIGHT, WIDTH = 128, 64


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return [render_person(seed, HEIGHT, WIDTH, samples=2) for seed in SEEDS]


def test_the_same_seed_gives_the_same_image(people):
    again = render_person(3, HEIGHT, WIDTH, samples=2)
    assert np.array_equal(again.image, people[3].image) and np.array_equal(again.labels, people[3].labels)
    assert not np.array_equal(people[3].image, people[4].image)


def test_boxes_are_the_tight_boxes_of_the_labels(people):
    for person in people:
        for label, part in enumerate(("face", "hand_left", "hand_right", "feet"), start=1):
            mask = person.labels == label
            if mask.sum() < 4:
                assert person.boxes[part] is None
                continue
            x0, y0, x1, y1 = person.boxes[part]
            assert mask[y0:y1, x0:x1].sum() == mask.sum()
            assert all(mask[y0:y1, x].any() for x in (x0, x1 - 1)) and all(mask[y, x0:x1].any() for y in (y0, y1 - 1))


def test_a_part_of_three_pixels_has_no_box():
    labels = np.zeros((8, 4), np.uint8)
    labels[0, :3] = 1
    labels[5, :4] = 4
    assert boxes_of(labels) == {"face": None, "hand_left": None, "hand_right": None, "feet": (0, 5, 4, 6)}


def test_parts_are_seen(people):
    for part, least in (("face", 1.0), ("feet", 1.0), ("hand_left", 0.85), ("hand_right", 0.85)):
        assert np.mean([person.boxes[part] is not None for person in people]) >= least


def test_a_hand_in_a_pocket_has_no_label_and_the_other_one_keeps_its_own(monkeypatch):
    real = stage.sample_pose

    def left_in_pocket(rng, pockets):
        pose = real(rng, pockets)
        arm = replace(pose.arms[0], kind="pocket"), replace(pose.arms[1], kind="hang", outer=False)
        return replace(pose, arms=arm)

    monkeypatch.setattr(stage, "sample_pose", left_in_pocket)
    for seed in range(3):
        person = render_person(seed, HEIGHT, WIDTH, samples=2)
        assert person.boxes["hand_left"] is None and not (person.labels == 2).any()
        assert person.boxes["hand_right"] is not None


def test_hats_and_glasses_belong_to_the_face(monkeypatch):
    real = stage.sample_hair
    labels = {}
    for dressed in (False, True):
        monkeypatch.setattr(
            stage, "sample_hair",
            lambda rng, traits, on=dressed: replace(real(rng, traits), hat="brim" if on else "", kind="short"),
        )  # fmt: skip
        labels[dressed] = render_person(1, HEIGHT, WIDTH, samples=2).labels
    assert (labels[True] == 1).sum() > 1.15 * (labels[False] == 1).sum()


def test_everybody_stands_whole_at_the_same_place(people):
    for person in people:
        there = person.labels > 0
        rows, columns = np.nonzero(there.any(axis=1))[0], np.nonzero(there.any(axis=0))[0]
        assert 0.005 < rows[0] / HEIGHT < 0.1 and 0.93 < (rows[-1] + 1) / HEIGHT < 0.995
        assert columns[0] >= 1 and columns[-1] <= WIDTH - 2
        x0, y0, x1, y1 = person.boxes["face"]
        assert 0.42 < (x0 + x1) / 2 / WIDTH < 0.58 and y1 / HEIGHT < 0.24
        assert 0.09 < (y1 - y0) / HEIGHT < 0.18
        assert person.boxes["feet"][1] / HEIGHT > 0.82


def test_left_is_the_persons_own_left(monkeypatch):
    real = stage.sample_pose

    def hanging(rng, pockets):
        pose = real(rng, pockets)
        return replace(pose, arms=tuple(replace(arm, kind="hang", outer=False) for arm in pose.arms))

    monkeypatch.setattr(stage, "sample_pose", hanging)
    for seed in range(4):
        person = render_person(seed, HEIGHT, WIDTH, samples=2)
        left, right = person.boxes["hand_left"], person.boxes["hand_right"]
        assert left[0] + left[2] > right[0] + right[2]


def test_the_person_stays_the_same_at_another_size(people):
    small = render_person(2, HEIGHT // 2, WIDTH // 2, samples=2)
    large = people[2]
    halved = large.labels[::2, ::2] > 0
    assert ((small.labels > 0) == halved).mean() > 0.96
    mean = large.image.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean(axis=(1, 3))
    assert np.abs(mean - small.image).mean() < 4


def test_an_archive_does_not_depend_on_the_workers_and_resumes(tmp_path, monkeypatch):
    seen: list[tuple[int, int]] = []
    write_people(
        tmp_path / "one.zip", num_images=3, height=64, width=32, seed=5, workers=1, image_format="png",
        on_progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    archive = Archive(tmp_path / "one.zip")
    second = render_person(6, 64, 32)
    assert archive.size == (64, 32) and np.array_equal(archive.image(1), second.image)
    assert archive.boxes(1) == second.boxes and np.array_equal(archive.mask(1, "face"), second.labels == 1)

    rendered: list[int] = []
    real = dataset._render_one

    def dies_at_third(writer, people, index):
        if index == 2 and len(rendered) == 2:
            raise KeyboardInterrupt
        rendered.append(index)
        real(writer, people, index)

    monkeypatch.setattr(dataset, "_render_one", dies_at_third)
    settings = dict(num_images=3, height=64, width=32, seed=5, image_format="png")
    with pytest.raises(KeyboardInterrupt):
        write_people(tmp_path / "cut.zip", workers=1, **settings)
    assert not (tmp_path / "cut.zip").exists()
    monkeypatch.setattr(dataset, "_render_one", real)
    counts: list[int] = []
    write_people(tmp_path / "cut.zip", workers=2, on_progress=lambda done, total: counts.append(done), **settings)
    assert counts[0] == 2 and (tmp_path / "cut.zip").read_bytes() == (tmp_path / "one.zip").read_bytes()


@pytest.mark.slow
def test_spawned_workers_render_what_one_process_renders(tmp_path):
    settings = dict(num_images=6, height=64, width=32, image_format="png")
    write_people(tmp_path / "one.zip", workers=1, **settings)
    write_people(tmp_path / "two.zip", workers=2, **settings)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"num_images": 0}, {"num_images": 10_000_001}, {"num_images": 99999999999999999999}, {"height": 8},
        {"height": 8193}, {"width": 0}, {"width": 8193}, {"seed": -1}, {"seed": 2**32}, {"quality": 0},
        {"quality": 101}, {"workers": 0}, {"workers": 10**6}, {"image_format": "bmp"},
    ],
)  # fmt: skip
def test_bad_arguments_are_one_line_before_anything_is_built(tmp_path, change):
    ((key, value),) = change.items()
    with pytest.raises(UserError, match=f"^data.{key}={value}: must be "):
        write_people(tmp_path / "a.zip", **({"num_images": 1} | change))
    assert not list(tmp_path.iterdir())


def test_the_last_seed_suits_numpy():
    assert People(num_images=2, seed=2**32 - 2).seed == 2**32 - 2
    with pytest.raises(UserError, match=rf"^data.seed={2**32 - 1}: must be at least 0 and at most {2**32 - 2}$"):
        People(num_images=2, seed=2**32 - 1)


def test_a_finished_archive_is_not_rendered_again(tmp_path, monkeypatch):
    settings = dict(num_images=1, height=32, width=16, image_format="png", workers=1)
    assert write_people(tmp_path / "a.zip", **settings) is True
    before = (tmp_path / "a.zip").read_bytes()
    assert Archive(tmp_path / "a.zip").recipe == {
        "source": "people", "version": dataset._RECIPE_VERSION, "seed": 0, "height": 32, "width": 16, "format": "png",
        "count": 1,
    }  # fmt: skip
    monkeypatch.setattr(dataset, "_render_one", lambda *_: pytest.fail("rendered"))
    assert write_people(tmp_path / "a.zip", **settings) is False
    for other in ({"num_images": 2}, {"seed": 1}, {"height": 34}, {"image_format": "webp"}):
        with pytest.raises(UserError, match=r"out=.*a\.zip: exists already, made with source=people .*seed=0"):
            write_people(tmp_path / "a.zip", **(settings | other))
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert (tmp_path / "a.zip").read_bytes() == before


def test_a_missing_extra_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"insetgan\[people\]"):
        write_people(tmp_path / "a.zip", num_images=1)
