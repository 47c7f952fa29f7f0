import html.parser
import re

import numpy as np
import pytest
from PIL import Image

from insetgan.reports.report import FILM_BYTES, SHOWN, aligned, build_report, figure_rows, readable

VOID = {"meta", "img", "input", "br", "link", "hr"}


class Page(html.parser.HTMLParser):
    """Checks that every tag is closed where it should be, and keeps what a test asks about."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words, self.code = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        if inside == "code":
            self.code.append(data)
        elif inside not in ("style", "script"):
            self.words.append(data)

    def of(self, tag, **wanted):
        found = [attributes for name, attributes in self.tags if name == tag]
        return [one for one in found if all(one.get(key) == value for key, value in wanted.items())]


def write_images(folder, name, size=(16, 24)):
    (folder / "samples").mkdir(exist_ok=True)
    for index, image in enumerate(("paste", "refined")):
        Image.new("RGB", size, (90 * index, 40, 200)).save(folder / "samples" / f"{name}_{image}.png")


def record_of(name, **changes):
    figures = {"seam_before": 6.5, "seam_after": 1.125, "part_change": 3.25}
    record = {"name": name, "seed": 3, "status": "ok", "missing": [], "steps": 187, "box": {"face": [4, 2, 12, 10]}}
    return {**record, **{key: {"face": value} for key, value in figures.items()}, "body_change": 2.0, **changes}


SUMMARY = {
    "seam_before": {"face": 6.5},
    "seam_after": {"face": 1.125},
    "steps": 187.0,
    "status": {"ok": 1, "part_lost": 2},
}


def test_page_is_whole_and_needs_nothing_beside_it(tmp_path):
    write_images(tmp_path, "3-1")
    image = (tmp_path / "samples" / "3-1_refined.png").read_bytes()
    text = build_report(tmp_path, [record_of("3-1")], SUMMARY, "trunc: 0.7\n", image, "Run")
    page = Page(text)
    assert "http" not in text
    assert not page.of("link")
    assert not [one for _, one in page.tags if one.keys() & {"href", "srcset", "action"}]
    sources = [attributes["src"] for _, attributes in page.tags if "src" in attributes]
    assert len(sources) == 1 + 2 + 2, "curves, paste and refined, a pair of close-ups"
    assert all(source.startswith("data:image/") for source in sources)
    assert not re.search(r"url\(|@import", text)
    assert len(page.of("input", type="range")) == 1
    words = " ".join(" ".join(page.words).split())
    for said in (
        "1 sample 1 ok 2 part lost",
        "Sample 3-1 ok",
        "seam, face 6.50 1.12",
        "change of the canvas 2",
        "steps 187",
    ):
        assert said in words, said
    assert page.code == ["trunc: 0.7\n"]


def test_text_cannot_break_out(tmp_path):
    evil = "</script></code></pre><b>bold</b><script>alert(1)</script>\"'&{{ 7 * 7 }}"
    write_images(tmp_path, "0")
    record = record_of("0", status=evil, box={evil: [0, 0, 8, 8]}, **{evil: 1.0})
    text = build_report(tmp_path, [record], {"status": {evil: 1}}, evil, None, evil)
    page = Page(text)
    assert len(page.of("script")) == 2, "those of the page itself"
    assert not page.of("b")
    assert page.code == [evil]
    assert evil in page.words
    assert page.of("img")[-1]["alt"].startswith(evil.replace("_", " "))


def test_only_the_first_are_shown(tmp_path):
    write_images(tmp_path, "0")
    records = [record_of("0", box=None) for _ in range(SHOWN + 5)]
    page = Page(build_report(tmp_path, records, SUMMARY, "", None, "Run"))
    assert len(page.of("article")) == SHOWN
    assert f"The first {SHOWN} are shown; 5 more" in " ".join(page.words)


def test_what_is_missing_is_said(tmp_path):
    nothing = dict.fromkeys(["box", "seam_before", "seam_after", "part_change", "body_change"])
    write_images(tmp_path, "1")
    records = [record_of("0"), record_of("1", status="no_part_found", **nothing), {"seed": 2, "status": "ok"}]
    page = Page(build_report(tmp_path, records, {}, "", None, "Run"))
    assert sum("images are missing" in word for word in page.words) == 2
    assert len(page.of("img")) == 2
    assert not page.of("table", **{"class": "headline"})
    assert len(Page(build_report(tmp_path, [], {}, "", None, "Run")).of("article")) == 0


def test_films_are_embedded_where_they_are_small(tmp_path):
    for name, size in (("0", 1000), ("1", FILM_BYTES)):
        write_images(tmp_path, name)
        (tmp_path / "samples" / f"{name}.mp4").write_bytes(bytes(size))
    page = Page(build_report(tmp_path, [record_of("0"), record_of("1")], SUMMARY, "", None, "Run"))
    assert [one["src"][:22] for one in page.of("video")] == ["data:video/mp4;base64,"]


def test_large_images_are_reduced_and_small_ones_stay_to_the_pixel(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (1024, 512, 3), dtype=np.uint8)
    for name, pixels in (("0", noise), ("1", noise[:64, :32])):
        write_images(tmp_path, name)
        Image.fromarray(pixels).save(tmp_path / "samples" / f"{name}_refined.png")
    text = build_report(tmp_path, [record_of("0"), record_of("1")], SUMMARY, "", None, "Run")
    images = Page(text).of("img")
    assert images[1]["src"].startswith("data:image/webp")
    assert len(images[1]["src"]) < 500_000 < (tmp_path / "samples" / "0_refined.png").stat().st_size
    assert images[5]["src"].startswith("data:image/png")


def test_figures_are_paired_and_further_ones_shown():
    rows = figure_rows({**record_of("0"), "identity": 0.004, "note": "text", "flag": True, "nested": {"a": {"b": 1}}})
    assert [(row.title, row.part, row.before, row.after) for row in rows] == [
        ("seam", "face", "6.50", "1.12"), ("change of the part", "face", "", "3.25"), ("change of the canvas", "", "", "2"),
        ("steps", "", "", "187"), ("identity", "", "", "0.004"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (187.0, "187"),
        (-1.5, "-1.50"),
        (0.0013, "0.0013"),
        (20.394, "20.39"),
        (12345.6, "1.2e+04"),
        (float("inf"), "inf"),
    ],
)
def test_readable_numbers(number, text):
    assert readable(number) == text


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        ((2.0, 3.0), ["2", "3"]),
        ((2.0, 3.5), ["2.00", "3.50"]),
        ((4.0, 0.0013), ["4.0000", "0.0013"]),
        ((1.0, float("nan")), ["1", "nan"]),
        ((), []),
    ],
)
def test_numbers_that_are_compared_have_the_same_decimals(numbers, texts):
    assert aligned(numbers) == texts


def test_rows_are_called_as_the_results_say():
    from insetgan.metrics.measures import Quantity

    known = {"identity": Quantity("likeness", "to the start", "degrees", "lower")}
    (row,) = figure_rows({"identity_before": {"face": 4.0}, "identity_after": {"face": 2.25}}, known)
    assert (row.title, row.about, row.part, row.before, row.after) == (
        "likeness", "to the start, degrees", "face", "4.00", "2.25",
    )  # fmt: skip
