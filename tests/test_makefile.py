"""The Makefile names tests that there are."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_path_of_the_quick_subset_exists():
    words = re.split(r"[\s\\]+", (ROOT / "Makefile").read_text())
    named = [word for word in words if word.startswith("tests/")]
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []
