"""What an artist asks for, as words of refine.py and as an address."""

import re
from urllib.parse import parse_qsl

import pytest

from insetgan.runtime.errors import UserError
from insetgan.studio.wish import Wish, command

MANY = Wish(
    body=3,
    face=5,
    psi=0.55,
    mode="montage",
    parts=["face", "feet"],
    preset="stylegan_human",
    steps=40,
    film=True,
)


def test_the_usual_wish_says_only_what_a_single_sample_needs():
    assert Wish().overrides() == ["mode=joint", "seeds=0", "batch_size=1", "trunc=0.7", "parts=[face]"]
    assert Wish().query() == ""


def test_every_setting_becomes_a_word():
    assert MANY.overrides() == [
        "mode=montage", "seeds=3", "batch_size=1", "trunc=0.55", "parts=[face,feet]", "preset=stylegan_human",
        "steps=40", "parts.face.start=5", "video=true",
    ]  # fmt: skip


def test_the_face_of_the_same_seed_and_a_face_without_a_part_say_nothing():
    assert Wish(body=3, face=3).overrides() == Wish(body=3).overrides()
    assert "parts.face.start=5" not in Wish(body=3, face=5, parts=["hands"]).overrides()


def test_pictures_take_the_place_of_seeds():
    words = MANY.overrides({"canvas": "me and you.png", "face": "f.png"})
    assert {"canvas.image=me and you.png", "parts.face.image=f.png"} <= set(words)
    assert not [word for word in words if ".start" in word]


def test_the_command_can_be_pasted_into_a_shell():
    assert command(["canvas.image=me and you.png"]) == "python refine.py 'canvas.image=me and you.png'"


@pytest.mark.parametrize("wish", [Wish(), MANY, Wish(parts=["hands"], psi=1.0, face=0)])
def test_an_address_gives_the_wish_back(wish):
    assert Wish.from_query(dict(parse_qsl(wish.query()))) == wish


def test_an_address_may_hold_words_of_others():
    assert Wish.from_query({"__theme": "dark", "body": "4"}) == Wish(body=4)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"body": "x" * 200}, r"body=x{40}: must be a number"),
        ({"psi": "3"}, "psi=3.0: must be at most 2"),
        ({"psi": "nan"}, "psi=.*must be a finite number"),
        ({"body": "-1"}, "body=-1: must be at least 0"),
        ({"mode": "<script>"}, "mode=.*: must be one of joint, body_for_part, montage, part"),
        ({"parts": "face,nose"}, "parts.1=nose: must be one of face, hands, feet"),
        ({"film": "yes"}, "film=yes: must be true or false"),
        ({"steps": "9999999"}, "steps=9999999: must be at most 5000"),
    ],
)
def test_wrong_addresses_are_one_line(query, problem):
    with pytest.raises(UserError) as caught:
        Wish.from_query(query)
    assert re.search(problem, str(caught.value)) and "\n" not in str(caught.value)
