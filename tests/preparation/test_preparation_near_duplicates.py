"""Images that look the same are found whatever their size, format and quality, and others are not."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from insetgan.data.archive import PEOPLE, Archive
from insetgan.preparation.near_duplicates import NEAR, _distances, look_of, name_copies
from insetgan.preparation.verdict import Verdict


def look(pixels):
    return look_of(torch.from_numpy(np.array(pixels)).permute(2, 0, 1))


def bits(text):
    return np.unpackbits(np.frombuffer(bytes.fromhex(text[:64]), np.uint8))[None]


@pytest.fixture(scope="module")
def images():
    archive = Archive(PEOPLE)
    return [Image.fromarray(archive.image(index)) for index in range(24)]


def test_other_sizes_and_qualities_look_the_same(images):
    for image in images[:6]:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=40)
        for other in (Image.open(stream), image.resize((307, 611)), image.resize((90, 180))):
            assert _distances(bits(look(image)), bits(look(other)))[0, 0] <= NEAR


def test_different_people_do_not(images):
    looks = np.concatenate([bits(look(image)) for image in images])
    distances = _distances(looks, looks)
    np.fill_diagonal(distances, 256)
    assert distances.min() > NEAR


def test_copies_are_dropped_or_named_and_the_first_stays():
    a, b = "0" * 64 + "808080", "f" * 64 + "808080"
    near = "7" + "0" * 63 + "8f8080"  # 3 bits from a, and a little redder
    verdicts = [
        Verdict("1", image="x", look=a),
        Verdict("2", image="y", look=b),
        Verdict("3", reason="blurry", look=a),
        Verdict("4", image="z", look=near),
        Verdict("5", image="w", look=a),
    ]
    found, lines = name_copies(verdicts, drop=True)
    assert [verdict.reason for verdict in found] == ["", "", "blurry", "looks like 1", "looks like 1"]
    assert lines == ["look like an earlier image and are dropped: 2, the first 4 like 1"]
    found, lines = name_copies(verdicts, drop=False)
    assert [verdict.kept for verdict in found] == [True, True, False, True, True]
    assert found[3].notes == ("looks like 1",) and "kept (source.duplicates=keep): 2" in lines[0]
    assert name_copies(verdicts[:2], drop=True) == (verdicts[:2], [])


def test_distances_are_counted_bits_in_blocks(monkeypatch):
    monkeypatch.setattr("insetgan.preparation.near_duplicates._BLOCK", 2)
    generator = np.random.default_rng(0)
    looks = [generator.bytes(35).hex() for _ in range(5)]
    verdicts = [Verdict(str(index), image=str(index), look=each) for index, each in enumerate([*looks, looks[0]])]
    assert [verdict.reason for verdict in name_copies(verdicts, drop=True)[0]] == ["", "", "", "", "", "looks like 0"]


def test_flat_images_differ_by_their_colour():
    looks = [look(Image.new("RGB", (40, 30), colour)) for colour in ((90, 120, 60), (200, 200, 200), (91, 121, 60))]
    verdicts = [Verdict(str(index), image=str(index), look=each) for index, each in enumerate(looks)]
    assert [verdict.reason for verdict in name_copies(verdicts, drop=True)[0]] == ["", "", "looks like 0"]
