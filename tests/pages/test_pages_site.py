"""The site of the documentation: every page is in it, every link leads somewhere, and it asks for nothing from elsewhere."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import insetgan

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))


def test_every_page_is_in_the_table_of_contents():
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```$", (DOCS / "index.md").read_text(), re.DOTALL | re.MULTILINE)
    listed = re.findall(r"^([\w./]+)$", "\n".join(trees), re.MULTILINE)
    assert {page.stem for page in PAGES} - set(listed) == {"index"}
    for name in listed:
        assert any((DOCS / f"{name}{ending}").is_file() for ending in (".md", ".rst")), name


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_links_to_files_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if not link.startswith(("http:", "https:")):
            assert (page.parent / link).exists(), link


def test_the_reference_has_the_whole_library_and_modules_that_exist():
    pages = "\n".join(path.read_text() for path in (DOCS / "site" / "reference").glob("*.rst"))
    for name in insetgan.__all__:
        assert name.startswith("_") or re.search(rf":: insetgan\.{name}$", pages, re.MULTILINE), name
    modules = re.findall(r"automodule:: (\S+)", pages)
    assert len(modules) > 20
    for module in modules:
        assert (ROOT / "src" / f"{module.replace('.', '/')}.py").is_file(), module


def test_every_picture_of_the_docs_is_in_the_gallery_with_its_command():
    sections = (DOCS / "gallery.md").read_text().split("\n## ")[1:]
    shown = {}
    for section in sections:
        found = re.search(r"!\[[^\]]+\]\((\S+)\)", section)
        assert found, section
        assert re.search(r"^    python ", section, re.MULTILINE), section
        shown[found[1]] = section
    pictures = {path.name for path in DOCS.iterdir() if path.suffix in (".png", ".jpg")}
    assert pictures - set(shown) == {"face.png"}, "face.png is an input of README's commands"
    for name in shown:
        with Image.open(DOCS / name) as image:
            assert min(image.size) >= 200, name


def test_answers_name_their_threads():
    text = (DOCS / "faq.md").read_text()
    answers = re.split(r"^\*\*.*\?\*\*$|^\*\*.*\*\*$", text, flags=re.MULTILINE)[1:]
    assert len(answers) >= 15
    for answer in answers:
        assert re.match(r"\n\(\[[^\]]+\]\(https://github\.com/[\w.-]+/[\w.-]+/issues/\d+\)", answer), answer[:200]


@pytest.mark.slow
def test_it_builds_without_a_warning_and_asks_for_nothing(tmp_path):
    source = tmp_path / "checkout"  # of what git tracks, as a reader has it
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-c",
        "docs/site",
        "-b",
        "html",
        ".",
        str(tmp_path / "site"),
    ]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        text = page.read_text()
        outside = re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)=\"(?:https?:)?//[^>]*>", text)
        assert not outside, (page, outside)
        for link in re.findall(r"(?:href|src)=\"([^\"#?:]+)[\"#?]", text):
            assert (page.parent / link).exists(), (page, link)
    for style in (tmp_path / "site").rglob("*.css"):
        assert not re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", style.read_text()), style
    assert "insetgan.compose" in (tmp_path / "site" / "docs" / "site" / "reference" / "library.html").read_text()
