"""The map of what changed."""

import numpy as np

from insetgan.studio.outcome import BRIGHTEST, change_map


def test_no_change_is_dark_and_the_largest_is_light():
    before = np.full((1, 4, 3), 100, np.uint8)
    after = before.copy()
    after[0, 1] = 100 + BRIGHTEST
    after[0, 2] = 255
    after[0, 3] = 100 - BRIGHTEST // 2
    found = change_map(before, after)
    assert found.dtype == np.uint8 and found.shape == (1, 4, 3)
    assert found[0, 0].tolist() == [0, 0, 4]
    assert found[0, 1].tolist() == found[0, 2].tolist() == [252, 253, 191]
    assert found[0, 3].tolist() == [183, 55, 121]  # half of it is the middle of five colours


def test_the_more_changes_the_lighter():
    before = np.zeros((1, BRIGHTEST + 1, 3), np.uint8)
    after = np.arange(BRIGHTEST + 1, dtype=np.uint8)[None, :, None].repeat(3, 2)
    weights = np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(change_map(before, after)[0] @ weights) > 0).all()
