"""A measure of each sample from outside src reaches everything that shows numbers."""

import json

import pytest

MEASURE = """
    from insetgan.metrics.measures import Measure


    class Brightness(Measure):
        name, title, unit, better = "brightness", "brightness", "grey levels of 255", "higher"

        def compute(self, images):
            return images.composite.double().mean((1, 2, 3))
"""


def test_a_measure_reaches_results_summary_terminal_and_report(write, refine, tmp_path):
    write("my_measures.py", MEASURE)
    result = refine("plugins=[my_measures]", "measures=[my_measures.Brightness]")
    assert result.returncode == 0, result.stderr
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    (record,) = results["samples"]
    assert 0 <= record["brightness_before"] <= 255
    assert results["summary"]["brightness_after"] == record["brightness_after"]
    assert results["measures"]["brightness"]["unit"] == "grey levels of 255"
    assert "brightness" in result.stdout
    assert "brightness" in (tmp_path / "run" / "report.html").read_text()
    without = refine("overwrite=true")
    assert without.returncode == 0, without.stderr
    assert "brightness_before" not in json.loads((tmp_path / "run" / "results.json").read_text())["samples"][0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (MEASURE.replace('"brightness", "brightness"', '"seam", "mine"'), "the name seam is taken"),
        (MEASURE.replace('"brightness", "brightness"', '"seam_after", "mine"'), "the name seam_after is taken"),
        ("class Brightness:\n    pass\n", "must be a Measure"),
    ],
)
def test_what_is_no_measure_is_one_line(write, refine, text, says):
    write("my_measures.py", text)
    result = refine("plugins=[my_measures]", "measures=[my_measures.Brightness]")
    assert result.returncode == 2
    (line,) = result.stderr.strip().splitlines()
    assert says in line
