"""The crop of a part goes into a header and comes back, and says where a placement differs."""

import json

import pytest

from insetgan.data.part_crop import PartCrop
from insetgan.runtime.errors import UserError

HANDS = PartCrop(("hand_left", "hand_right"), ("hand_right",), 0.2)


def test_a_header_gives_it_back():
    assert PartCrop.of_metadata(json.loads(json.dumps(HANDS.metadata()))) == HANDS


def test_a_header_that_says_nothing_of_it():
    assert PartCrop.of_metadata({}) is None
    assert PartCrop.of_metadata({"crop": None, "images": 3}) is None


@pytest.mark.parametrize(
    ("crop", "said"),
    [
        ([], "must say parts, mirrored and margin alone"),
        ({}, "must say parts, mirrored and margin alone"),
        ({"parts": ["face"], "mirrored": []}, "must say parts, mirrored and margin alone"),
        ({"parts": ["face"], "mirrored": [], "margin": 0.1, "turn": 90}, "must say parts, mirrored and margin alone"),
        ({"parts": "face", "mirrored": [], "margin": 0.1}, "must be lists of names and a number"),
        ({"parts": ["face"], "mirrored": [1], "margin": 0.1}, "must be lists of names and a number"),
        ({"parts": ["face"], "mirrored": [], "margin": True}, "must be lists of names and a number"),
        ({"parts": ["face"], "mirrored": [], "margin": float("inf")}, "must be lists of names and a number"),
    ],
)
def test_headers_of_another_form_are_refused(crop, said):
    with pytest.raises(UserError, match=f"^crop=.* in the header of the weights: {said}$"):
        PartCrop.of_metadata({"crop": crop})


def test_differences():
    assert HANDS.differences("hand_right", margin=0.1 + 0.1, mirror=True) == []
    assert HANDS.differences("hand_left", margin=None, mirror=False) == []
    assert HANDS.differences("face", margin=0.2, mirror=False) == ["learned hand_left and hand_right"]
    assert HANDS.differences("hand_left", margin=0.15, mirror=True) == [
        "placement.margin=0.15, learned 0.2",
        "mirror=true, learned false",
    ]
