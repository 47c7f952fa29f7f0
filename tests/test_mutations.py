"""The list of defects for tests/mutations.py fits the code as it stands: files move, and lines are written anew."""

import re
import shlex
from collections import Counter
from pathlib import Path

import pytest
import yaml

TESTS = Path(__file__).parent
SRC = TESTS.parent / "src" / "insetgan"
DEFECTS = [
    (file, defect["old"], defect["new"], defect["tests"])
    for file, defects in yaml.safe_load((TESTS / "mutations.yaml").read_text()).items()
    for defect in defects
]


@pytest.mark.parametrize(("file", "old", "new", "tests"), DEFECTS)
def test_a_defect_fits_the_code(file, old, new, tests):
    text = (SRC / file).read_text()
    assert text.count(old) == 1
    compile(text.replace(old, new), file, "exec")  # a defect that is no Python would always be seen
    arguments = shlex.split(tests)
    files = [TESTS / argument for argument in arguments if argument.endswith(".py")]
    assert files and all(path.is_file() for path in files)
    if "-k" in arguments:  # a word that no test has would select nothing
        code = "".join(path.read_text() for path in files)
        words = re.findall(r"\w+", arguments[arguments.index("-k") + 1])
        assert all(word in code for word in words if word not in ("and", "or", "not"))


def test_there_are_at_least_sixty_and_none_twice():
    assert len(DEFECTS) >= 60
    assert not [defect for defect, count in Counter(DEFECTS).items() if count > 1]
