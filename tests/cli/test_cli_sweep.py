"""The page of a sweep: from folders as runs leave them, and once from Hydra itself."""

import base64
import csv
import html.parser
import io
import json
import re
import subprocess
import sys
import textwrap
from urllib.parse import unquote

import pytest
from PIL import Image

from insetgan.reports.sweep_notes import NOTES
from insetgan.reports.sweep_page import write_sweep_page

VOID = {"meta", "img", "input", "br"}


class Page(html.parser.HTMLParser):
    """Rows of the table, with bold cells marked by stars; checks that tags are balanced."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.sources, self.links = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.sources += [value for key, value in attributes if key == "src"]
        self.links += [value for key, value in attributes if key == "href"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open) and "small" not in self.open:
            self.rows[-1][-1] += f"*{data}*" if "b" in self.open else data.strip()


def sample(name, seam, change, status="ok"):
    figures = {"seam_before": {"face": 6.0}, "seam_after": {"face": seam}, "body_change": change}
    return {"name": name, "seed": 0, "status": status, "steps": 10, "box": {"face": [0, 0, 4, 4]}, **figures}


def write_run(sweep, number, overrides, records=None, state="completed"):
    """A run as it leaves its folder, with its note."""
    run = sweep / f"{number}_run"
    note = {"folder": str(run), "overrides": overrides, "state": state}
    (sweep / NOTES).mkdir(parents=True, exist_ok=True)
    (sweep / NOTES / f"{number}.json").write_text(json.dumps(note))
    if records is not None:
        (run / "samples").mkdir(parents=True)
        (run / "results.json").write_text(json.dumps({"samples": records, "summary": {}}))
        for record in records:
            Image.new("RGB", (16, 32), (40 * number, 90, 90)).save(run / "samples" / f"{record['name']}_refined.png")
    return run


@pytest.fixture
def sweep(tmp_path):
    same = ["seeds=0-1", "out=there"]
    write_run(tmp_path, 0, ["trunc=0.5", *same], [sample("0", 0.9, 3.0), sample("1", 0.9, 5.0)])
    write_run(tmp_path, 1, ["trunc=0.7", *same], [sample("0", 1.5, 1.0), sample("1", 1.3, None, "part_lost")])
    write_run(tmp_path, 10, ["trunc=1.0", *same, "~objective.border_l1"], state="failed")
    write_run(tmp_path, 2, ["trunc=0.9", *same, "+detector=other"])
    assert write_sweep_page(tmp_path) == tmp_path / "sweep.html"
    return tmp_path


def test_table(sweep):
    rows = list(csv.DictReader((sweep / "sweep.csv").open()))
    assert list(rows[0]) == [
        "run", "trunc", "detector", "~objective.border_l1", "problem", "n",
        "seam_before.face.median", "seam_before.face.p90", "seam_after.face.median", "seam_after.face.p90",
        "body_change.median", "body_change.p90", "steps.median", "steps.p90", "status.ok", "status.part_lost",
    ]  # fmt: skip
    assert [row["run"] for row in rows] == ["0_run", "1_run", "2_run", "10_run"], "by number, not by letters"
    assert [row["trunc"] for row in rows] == ["0.5", "0.7", "0.9", "1.0"]
    assert [row["problem"] for row in rows] == ["", "", "no results", "failed"]
    first, second, third, fourth = rows
    assert [row["~objective.border_l1"] for row in (first, fourth)] == ["", "removed"]
    assert (first["body_change.median"], first["body_change.p90"]) == ("4", "4.8")
    assert (second["seam_after.face.median"], second["seam_after.face.p90"]) == ("1.4", "1.48")
    assert (second["body_change.median"], second["status.ok"], second["status.part_lost"]) == ("1", "1", "1")
    assert (third["n"], third["steps.median"], third["detector"]) == ("0", "", "other")


def test_page(sweep):
    text = (sweep / "sweep.html").read_text()
    page = Page(text)
    head, first, second, third, fourth = page.rows
    assert head == [
        "run", "trunc", "detector", "~objective.border_l1", "samples",
        "seam, face", "change of the canvas (grey levels of 255)", "steps", "first samples",
    ]  # fmt: skip
    assert first == ["0", "0.5", "", "", "*2*", "*0.90*", "4", "10", ""], "a seam is best where it is nearest to 1"
    assert second == ["1", "0.7", "", "", "2", "1.40", "*1*", "10", ""]
    assert third == ["2", "0.9", "other", "", "no results", "", "", "", ""]
    assert fourth[3:5] == ["removed", "failed"]
    assert "trunc=1.0, ~objective.border_l1: failed" in text
    assert 'title="0_run"' in text, "the whole name where a pointer rests"
    assert "http" not in text
    assert len(page.sources) == 2, "two runs with images"
    for source in page.sources:
        kind, _, content = source.partition(",")
        assert kind == "data:image/webp;base64"
        strip = Image.open(io.BytesIO(base64.b64decode(content)))
        assert strip.size == (2 * 96 + 8, 192), "large enough to see"
    assert Image.open(sweep / "sweep.png").height > 2 * 192


def test_rows_lead_to_their_runs(tmp_path):
    name = "0,a=[x],50% #1"
    write_run(tmp_path, 0, ["trunc=0.5"], [sample("0", 0.9, 3.0)]).rename(tmp_path / name)
    note = tmp_path / NOTES / "0.json"
    note.write_text(note.read_text().replace(str(tmp_path / "0_run"), str(tmp_path / name)))
    (tmp_path / name / "report.html").write_text("report")
    write_run(tmp_path, 1, ["trunc=0.7"], [sample("0", 0.9, 3.0)])
    write_run(tmp_path, 2, ["trunc=0.9"], state="failed")
    write_sweep_page(tmp_path)
    links = Page((tmp_path / "sweep.html").read_text()).links
    assert [unquote(link) for link in links] == [f"{name}/report.html"] * 2 + ["1_run"] * 2, "text and images"
    assert not set("#?[] ") & set(links[0])


def test_objectives_of_other_weights_are_not_compared(tmp_path):
    for number, weight in enumerate(("5", "25")):
        records = [{**sample("0", 1.0, 2.0), "objective": float(number)}]
        write_run(tmp_path, number, [f"objective.border_l1.weight={weight}"], records)
    write_sweep_page(tmp_path)
    assert not [cell for row in Page((tmp_path / "sweep.html").read_text()).rows for cell in row if "*" in cell]


def test_results_say_what_their_numbers_are(tmp_path):
    """A measure of the user's own: the page knows it from results.json, without its package."""
    said = {
        "glow": {"title": "glow", "unit": "candles", "better": "higher"},
        "moved": {"title": "moved", "of_change": True},
    }
    for number, (glow, moved) in enumerate([(2.0, 0.0), (3.5, 1.0), (1.0, 4.0)]):
        record = {"name": "0", "seed": 0, "status": "ok", "glow_after": glow, "moved": moved}
        run = write_run(tmp_path, number, [f"trunc=0.{number + 1}"], [record])
        (run / "results.json").write_text(json.dumps({"samples": [record], "measures": said}))
    write_sweep_page(tmp_path)
    head, *rows = Page((tmp_path / "sweep.html").read_text()).rows
    assert head[3:5] == ["glow (candles)", "moved"]
    assert [row[3] for row in rows] == ["2.00", "*3.50*", "1.00"], "the highest is best, and all have two decimals"
    assert [row[4] for row in rows] == ["0", "*1*", "4"], "what nothing was done to has changed by 0, which is no merit"


def test_one_run_none_and_hostile_ones(tmp_path):
    write_run(tmp_path / "one", 0, ["trunc=</td><b>"], [sample("0", 1.0, 2.0)])
    write_sweep_page(tmp_path / "one")
    write_sweep_page(tmp_path / "none")
    write_run(tmp_path / "odd", 0, ["a=</td><b>"], [])
    (write_run(tmp_path / "odd", 1, ["a=2"], [sample("0", 1.0, 2.0)]) / "results.json").write_text("{")
    write_run(tmp_path / "odd", 2, ["a=3"], state="started")
    write_sweep_page(tmp_path / "odd")
    rows = Page((tmp_path / "odd" / "sweep.html").read_text()).rows[1:]
    assert [row[2] for row in rows] == ["no samples", "results cannot be read", "did not end"]
    assert rows[0][1] == "</td><b>"
    assert Page((tmp_path / "one" / "sweep.html").read_text()).rows[1][0] == "0_run"


APP = """
    import json, sys
    from pathlib import Path
    import hydra
    from hydra.core.hydra_config import HydraConfig

    @hydra.main(version_base="1.3", config_path=None, config_name="app")
    def app(config):
        if config.trunc > 1:
            raise (ValueError if config.trunc < 3 else SystemExit)("not above 1")
        folder = Path(HydraConfig.get().runtime.output_dir)
        record = {"name": "0", "status": "ok", "steps": 5, "seam_after": {"face": 1 + config.trunc}}
        (folder / "results.json").write_text(json.dumps({"samples": [record], "summary": {}}))

    from hydra.core.config_store import ConfigStore
    callbacks = {name: {"_target_": f"insetgan.cli.sweep.{name}"} for name in ("SweepNotes", "SweepPage")}
    settings = {"callbacks": callbacks, "sweep": {"dir": "sweep"}, "run": {"dir": "run"}, "output_subdir": None}
    ConfigStore.instance().store(name="app", node={"trunc": 0.5, "out": None, "hydra": settings})
    app()
"""


def test_hydra_calls_it_and_an_earlier_sweep_is_forgotten(tmp_path):
    (tmp_path / "app.py").write_text(textwrap.dedent(APP))

    def run(*arguments):
        command = [sys.executable, "app.py", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    result = run("-m", "trunc=0.3,0.5,2")
    assert "not above 1" in result.stderr
    assert re.search(r"^sweep page: sweep/sweep.html$", result.stdout, re.MULTILINE), result.stdout + result.stderr
    rows = list(csv.DictReader((tmp_path / "sweep/sweep.csv").open()))
    assert [(row["trunc"], row["problem"], row["seam_after.face.median"]) for row in rows] == [
        ("0.3", "", "1.3"), ("0.5", "", "1.5"), ("2", "failed: not above 1", ""),
    ]  # fmt: skip
    result = run("-m", "trunc=0.1,3,0.2")  # a user's mistake ends the program
    assert (result.returncode, result.stderr) == (1, "not above 1\n")
    rows = list(csv.DictReader((tmp_path / "sweep/sweep.csv").open()))
    assert [(row["trunc"], row["problem"]) for row in rows] == [("0.1", ""), ("3", "did not end")]
    for _ in range(2):
        result = run("-m", "trunc=0.1,0.2")
        assert (result.returncode, result.stdout.count("sweep page: sweep/sweep.html\n")) == (0, 1), result.stderr
        assert [row["trunc"] for row in csv.DictReader((tmp_path / "sweep/sweep.csv").open())] == ["0.1", "0.2"]
    assert run().returncode == 0
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"app.log", "results.json"}, (
        "a single run has no page"
    )


def test_importing_it_is_cheap():
    code = "import sys, hydra; before = set(sys.modules); import insetgan.cli.sweep; print(*set(sys.modules) - before)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert not {"torch", "PIL", "numpy", "jinja2", "rich"} & set(result.stdout.split()), result.stdout + result.stderr
