import json
import pickle
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader

from insetgan.data import kept
from insetgan.data.archive import Archive
from insetgan.data.crops import PartCrops, part_dataset
from insetgan.data.datasets import ImageDataset, open_archive
from insetgan.data.reading import PLAIN
from insetgan.ops.boxes import square_boxes
from insetgan.ops.images import from_uint8
from insetgan.ops.resampling import crop_matrix, resample
from insetgan.runtime.errors import UserError

HEIGHT, WIDTH = 64, 32
FACES = [[10, 4, 20, 16], [2, 0, 14, 10], None, [12, 8, 14, 10]]


@pytest.fixture
def archive(tmp_path):
    """Four images 64 x 32: random, but red in the face's box."""
    path, entries = tmp_path / "people.zip", {}
    with zipfile.ZipFile(path, "w") as file:
        for index, face in enumerate(FACES):
            pixels = np.random.default_rng(index).integers(0, 50, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            if face:
                pixels[face[1] : face[3], face[0] : face[2]] = (255, 0, 0)
            name = f"00000/img{index:08d}.png"
            with file.open(name, "w") as target:
                Image.fromarray(pixels).save(target, format="png")
            boxes = {"face": face, "hand_left": None, "hand_right": None, "feet": None}
            entries[name] = {"boxes": boxes, "masks": {}}
        parts = ["face", "hand_left", "hand_right", "feet"]
        file.writestr("dataset.json", json.dumps({"labels": None}))
        file.writestr("parts.json", json.dumps({"size": [HEIGHT, WIDTH], "parts": parts, "images": entries}))
    return path


def test_whole_images_at_their_own_size_are_untouched(archive):
    dataset = ImageDataset(archive, HEIGHT, WIDTH)
    expected = np.random.default_rng(2).integers(0, 50, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    assert len(dataset) == 4
    assert dataset[2].dtype == torch.uint8
    assert torch.equal(dataset[2], torch.from_numpy(expected).permute(2, 0, 1))


def test_smaller_images_are_antialiased_and_made_once(archive, monkeypatch):
    dataset = ImageDataset(archive, 16, 8)
    small = dataset[2].float()
    expected = torch.from_numpy(np.random.default_rng(2).integers(0, 50, (HEIGHT, WIDTH, 3), dtype=np.uint8)).float()
    assert small.shape == (3, 16, 8)
    assert small.mean() == pytest.approx(float(expected.mean()), abs=1)
    assert small.std() < 0.4 * expected.std(), "neighbours are averaged"
    monkeypatch.setattr(dataset.archive, "image", None)
    assert torch.equal(dataset[2].float(), small)


def test_another_ratio_is_refused(archive):
    with pytest.raises(UserError, match=r"data.height=64 data.width=64.*64 x 32"):
        ImageDataset(archive, 64, 64)


def test_every_image_keeps_its_ratio(tmp_path):
    for name, size in (("a", (32, 64)), ("b", (16, 32)), ("c", (32, 40))):
        Image.new("RGB", size).save(tmp_path / f"{name}.png")
    with pytest.raises(UserError, match=r"1 of 3 images .*: c\.png \(40 x 32 .*distorted"):
        ImageDataset(tmp_path, 64, 32)
    (tmp_path / "c.png").unlink()
    assert [item.shape for item in map(ImageDataset(tmp_path, 64, 32).__getitem__, range(2))] == [(3, 64, 32)] * 2


def test_crops_follow_the_rule_of_placement(archive):
    crops = PartCrops(archive, "face", 16, 16, margin=0.0, smallest=4)
    assert len(crops) == 2, "images without a face, or with one too small, are left out"
    faces = torch.tensor([FACES[0], FACES[1]])
    assert torch.equal(crops.boxes, square_boxes(faces, 0.0, HEIGHT, WIDTH))
    x0, y0, x1, y1 = crops.boxes[0].tolist()
    assert (x1 - x0, y1 - y0) == (12, 12)
    red = (crops[0][0] > 200).float().mean(dim=(0, 1))
    assert float(red) == pytest.approx(10 / 12, abs=0.1), "the face, and a little beside it to make a square"


def test_margin_shows_more(archive):
    def share(margin):
        return float((PartCrops(archive, "face", 16, 16, margin=margin, smallest=4)[0][0] > 128).float().mean())

    assert share(0.0) > share(0.25) > share(0.5) > 0


@pytest.mark.parametrize(
    ("part", "height", "message"),
    [
        ("nose", 16, "part=nose: must be one of"),
        ([], 16, r"part=\[\]: must be one of"),
        (["face", "nose"], 16, "must be one of"),
        (["face", "face"], 16, "must be one of"),
        ("feet", 16, "no image has a box of feet"),
        (["hand_left", "feet"], 16, "no image has a box of hand_left or feet of at least 8 pixels"),
        ("face", 32, "square"),
    ],
)
@pytest.mark.parametrize("make", [PartCrops, part_dataset])
def test_mistakes_are_one_line(archive, make, part, height, message):
    with pytest.raises(UserError, match=message):
        make(archive, part, height, 16)


@pytest.mark.parametrize("flip", ["hand_right", ["face"]])
def test_only_what_is_cropped_can_be_flipped(archive, flip):
    with pytest.raises(UserError, match=r"flip=.*: must be a list of parts that are cropped, of hand_left, hand_right"):
        part_dataset(archive, ["hand_left", "hand_right"], 16, 16, flip=flip)


@settings(max_examples=30, deadline=None)
@given(st.tuples(st.integers(1, 40), st.integers(1, 40)), st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_resized_images_are_the_exact_ones_to_one_level(shape, size):
    class Fake(Archive):
        def __init__(self):
            self.names, self.size, self.path, self.one_size = ["a"], shape, "here", True
            self.reading = PLAIN

        def image(self, index, least=None):
            return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)

    dataset = object.__new__(ImageDataset)
    dataset.archive, dataset._indices, dataset._size = Fake(), [0], size
    made = dataset._make(0)
    pixels = torch.from_numpy(dataset.archive.image(0))
    zero, (rows, columns) = torch.tensor([0]), (torch.tensor([side]) for side in shape)
    matrices = crop_matrix(zero, rows, shape[0], size[0]), crop_matrix(zero, columns, shape[1], size[1])
    exact = (resample(from_uint8(pixels[None]).double(), *matrices)[0] + 1) * 127.5
    assert made.dtype == torch.uint8 and made.shape == (3, *size)
    assert (made - exact).abs().max() <= 1.1


HANDS = [{"hand_left": [2, 8, 12, 18], "hand_right": [20, 8, 30, 18]}, {"hand_right": [20, 30, 30, 40]}, {}]


@pytest.fixture
def hands(zipped, encoded):
    """Three images; in the first two a hand or both, as they are seen in a mirror of each other."""
    files, entries = {}, {}
    hand = np.random.default_rng(1).integers(0, 256, (10, 10, 3), dtype=np.uint8)
    for index, boxes in enumerate(HANDS):
        pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for part, (x0, y0, x1, y1) in boxes.items():
            pixels[y0:y1, x0:x1] = hand if part == "hand_left" else hand[:, ::-1]
        files[f"{index}.png"] = encoded(pixels=pixels)
        entries[f"{index}.png"] = {"boxes": boxes}
    labels = {"labels": [[f"{index}.png", [index, 0.5]] for index in range(len(HANDS))]}
    return zipped({**files, "dataset.json": labels, "parts.json": {"size": [HEIGHT, WIDTH], "images": entries}}), hand


def test_both_hands_are_cropped_and_the_right_ones_turned_into_left_ones(hands):
    path, hand = hands
    sides = ["hand_left", "hand_right"]
    alike = part_dataset(path, sides, 10, 10, margin=0.0, flip=["hand_right"], use_labels=True)
    assert len(alike) == 3 and alike.c_dim == 2
    assert alike.boxes.tolist() == [HANDS[0]["hand_left"], HANDS[0]["hand_right"], HANDS[1]["hand_right"]]
    assert alike.labels.tolist() == [[0, 0.5], [0, 0.5], [1, 0.5]], "of the images they are seen in"
    expected = torch.from_numpy(hand).permute(2, 0, 1)
    for index in range(3):
        assert torch.equal(alike[index][0], expected) and torch.equal(alike[index][1], alike.labels[index])
    as_seen = PartCrops(path, sides, 10, 10, margin=0.0)
    assert torch.equal(as_seen[0], expected) and torch.equal(as_seen[1], expected.flip(2))
    assert [PartCrops(path, side, 10, 10, margin=0.0).boxes.tolist() for side in sides] == [
        [HANDS[0]["hand_left"]],
        [HANDS[0]["hand_right"], HANDS[1]["hand_right"]],
    ]


@pytest.mark.parametrize("table", [None, {"parts": ["face"], "images": {"a.png": {"boxes": {"face": None}}}}])
def test_a_set_of_parts_needs_no_boxes(zipped, encoded, table):
    files = {"a.png": encoded(height=16, width=16), "b/c.PNG": encoded(height=16, width=16, seed=1)}
    path = zipped(files if table is None else {**files, "parts.json": table})
    faces = part_dataset(path, "face", 16, 16, margin=0.5, smallest=99)
    assert len(faces) == 2
    assert np.array_equal(faces[1].permute(1, 2, 0).numpy(), Archive(path).image(1))


def test_bodies_without_boxes_are_not_taken_for_parts(zipped, encoded):
    with pytest.raises(
        UserError, match=r"data\.height=16 .* are 16 x 8 .*distorted; without boxes \(annotations\.json\)"
    ):
        part_dataset(zipped({"a.png": encoded()}), ["hand_left", "hand_right"], 16, 16, flip=["hand_right"])


def test_faces_of_the_rendered_people_are_crops():
    archive = open_archive(None)
    faces = part_dataset(archive, "face", 64, 64)
    assert isinstance(faces, PartCrops) and len(faces) == 4200
    assert faces.labels is None and faces.c_dim == 0


def test_labels_come_only_when_asked_for(zipped, encoded):
    files = {name: encoded() for name in ("a.png", "b.png")}
    path = zipped({**files, "dataset.json": {"labels": [["b.png", 1], ["a.png", 0]]}})
    off, on = ImageDataset(path, 16, 8), ImageDataset(path, 16, 8, use_labels=True)
    assert off.c_dim == 0 and off.labels is None and isinstance(off[0], torch.Tensor)
    assert on.c_dim == 2 and on.labels.dtype == torch.float32 and on.labels.tolist() == [[1, 0], [0, 1]]
    image, label = on[1]
    assert torch.equal(image, off[1]) and label.tolist() == [0, 1]
    images, labels = next(iter(DataLoader(on, batch_size=2)))
    assert images.shape == (2, 3, 16, 8) and torch.equal(labels, on.labels)
    with pytest.raises(UserError, match=r"data\.labels=true: .*none\.zip has none"):
        ImageDataset(zipped({**files, "a.png": b""}, "none.zip"), 16, 8, use_labels=True)
    with pytest.raises(UserError, match=r"no label for b\.png"):
        ImageDataset(zipped({**files, "dataset.json": {"labels": [["a.png", 0]]}}, "one.zip"), 16, 8, use_labels=True)


@pytest.mark.parametrize("limit", [kept.MEMORY_LIMIT, 0])
def test_items_end_where_the_images_do(archive, monkeypatch, limit):
    monkeypatch.setattr(kept, "MEMORY_LIMIT", limit)
    dataset = ImageDataset(archive, HEIGHT, WIDTH)
    assert len(list(dataset)) == 4 and torch.equal(dataset[-1], dataset[3])


def test_worker_processes_share_what_they_decoded(archive):
    dataset = PartCrops(archive, "face", 16, 16, smallest=1)
    batches = list(DataLoader(dataset, batch_size=1, num_workers=2, multiprocessing_context="fork"))
    assert len(batches) == 3
    dataset.archive.image = None
    for index, batch in enumerate(batches):
        assert torch.equal(dataset[index], batch[0]), "the workers filled the memory of this process"


def test_beyond_the_limit_every_image_is_decoded_anew(archive, monkeypatch):
    monkeypatch.setattr(kept, "MEMORY_LIMIT", 3 * HEIGHT * WIDTH * 4 - 1)
    dataset = ImageDataset(archive, HEIGHT, WIDTH)
    expected = [item.clone() for item in dataset]
    images = torch.cat(list(DataLoader(dataset, batch_size=2, num_workers=2, multiprocessing_context="fork")))
    assert torch.equal(images, torch.stack(expected))
    dataset.archive.image = None
    with pytest.raises(TypeError):
        dataset[0]
    monkeypatch.setattr(kept, "MEMORY_LIMIT", 3 * HEIGHT * WIDTH * 4)
    enough = ImageDataset(archive, HEIGHT, WIDTH)
    first = enough[0]
    enough.archive.image = None
    assert torch.equal(enough[0], first)


def test_a_pickled_copy_is_whole(archive):
    dataset = ImageDataset(archive, HEIGHT, WIDTH)
    first = dataset[0]
    copy = pickle.loads(pickle.dumps(dataset))
    for index in range(4):
        assert torch.equal(copy[index], dataset[index])
    assert torch.equal(dataset[0], first)


def test_without_room_to_share_nothing_is_kept_in_the_copy(archive, monkeypatch):
    dataset = ImageDataset(archive, HEIGHT, WIDTH)
    monkeypatch.setattr(torch.Tensor, "share_memory_", lambda self: (_ for _ in ()).throw(RuntimeError("no space")))
    copy = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(copy[2], dataset[2])


@pytest.mark.slow
def test_spawned_workers_share_what_they_decoded(archive):
    dataset = ImageDataset(archive, HEIGHT, WIDTH)
    batches = list(DataLoader(dataset, batch_size=2, num_workers=2, multiprocessing_context="spawn"))
    dataset.archive.image = None
    assert torch.equal(torch.cat(batches), torch.stack([dataset[index] for index in range(4)]))
