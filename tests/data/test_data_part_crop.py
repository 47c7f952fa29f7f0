"""The crop of a part goes into a header and comes back, and says where a placement differs."""

import json

import pytest

from insetgan.data.part_crop import PartCrop

HANDS = PartCrop(("hand_left", "hand_right"), ("hand_right",), 0.2)


def test_a_header_gives_it_back():
    assert PartCrop.of_metadata(json.loads(json.dumps(HANDS.metadata()))) == HANDS


@pytest.mark.parametrize(
    "crop",
    [
        None,
        [],
        {},
        {"parts": "face", "mirrored": [], "margin": 0.1},
        {"parts": ["face"], "mirrored": [1], "margin": 0.1},
        {"parts": ["face"], "mirrored": [], "margin": True},
        {"parts": ["face"], "mirrored": [], "margin": float("inf")},
    ],
)
def test_headers_that_say_nothing_of_it(crop):
    assert PartCrop.of_metadata({} if crop is None else {"crop": crop}) is None


def test_differences():
    assert HANDS.differences("hand_right", margin=0.1 + 0.1, mirror=True) == []
    assert HANDS.differences("hand_left", margin=None, mirror=False) == []
    assert HANDS.differences("face", margin=0.2, mirror=False) == ["learned hand_left and hand_right"]
    assert HANDS.differences("hand_left", margin=0.15, mirror=True) == [
        "placement.margin=0.15, learned 0.2",
        "mirror=true, learned false",
    ]
