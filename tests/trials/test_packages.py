"""A package that is missing is named, with the extra that brings it, before any work: `+source=people` ended at a colon."""

import importlib.util

import pytest


@pytest.mark.parametrize("package", ["anny", "embreex", "scipy"])
def test_people_name_the_package_and_the_extra(package, in_process, assert_one_line, monkeypatch, tmp_path):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == package else real(name, *rest))
    result = in_process(
        "prepare", "+source=people", "data.num_images=1", "data.height=64", f"out={tmp_path}/people.zip"
    )
    assert_one_line(result, f"pip install 'insetgan[people]' ({package} missing)")
    assert not list(tmp_path.iterdir())
