"""What stands beside the code: the container recipe, the citation, the cards, the release check and the issue templates."""

import importlib.util
import re
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import insetgan
from insetgan.weights.store import EMBEDDED, load_network

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_spec = importlib.util.spec_from_file_location("release_check", ROOT / "tests" / "release_check.py")
release_check = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(release_check)
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))


def instructions():
    """Of the Containerfile: (word, rest) of each, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Containerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def test_the_recipe_copies_what_there_is():
    copied = [rest.split() for word, rest in instructions() if word == "COPY" and not rest.startswith("--from")]
    assert copied
    for *sources, target in copied:
        for source in sources:
            assert (ROOT / source).exists(), source
            assert (ROOT / source).is_file() or target == source, f"COPY {source} would spread the folder over {target}"
    everything = {source for *sources, _ in copied for source in sources}
    for line in (ROOT / "setup.py").read_text(), (ROOT / "setup.cfg").read_text():
        for name in re.findall(r"\b(README\.md|LICENSE|NOTICE|conf|experiments)\b", line):
            assert name in everything, f"the package's build reads {name}"


def test_the_recipe_takes_the_versions_of_this_project():
    text = (ROOT / "Containerfile").read_text()
    for name, version in re.findall(r"([\w-]+)==([\w.]+)", text):
        assert PINS[name] == version
    installs = [
        command for word, rest in instructions() if word == "RUN" for command in re.findall(r"pip install[^&]*", rest)
    ]
    assert len(installs) == 2 and all("--constraint constraints.txt" in command for command in installs)
    assert installs[0].split()[-1] == "torch" and "torch" in PINS
    assert '".[$EXTRAS]"' in installs[1]
    extras = next(rest for word, rest in instructions() if rest.startswith("EXTRAS=")).partition("=")[2].split(",")
    offered = re.findall(r"^(\w+) =$", (ROOT / "setup.cfg").read_text(), re.MULTILINE)
    assert set(extras) <= set(offered)
    minor = re.search(r"python:3\.(\d+)-slim", text)[1]
    assert f"Python :: 3.{minor}" in (ROOT / "setup.cfg").read_text()


def test_the_recipe_runs_as_nobody_special_and_fetches_nothing():
    words = [word for word, _ in instructions()]
    last = max(index for index, word in enumerate(words) if word == "FROM")
    final = instructions()[last:]
    assert [rest for word, rest in final if word == "USER"] == ["insetgan"]
    after = final[[word for word, _ in final].index("USER") :]
    assert all(word in ("USER", "WORKDIR", "ENTRYPOINT", "CMD") for word, _ in after), (
        "nothing is done as root behind it"
    )
    assert any(word == "ENV" and "INSETGAN_OFFLINE=1" in rest for word, rest in final)
    assert not [rest for _, rest in final if re.search(r"\b(curl|wget|pip|apt-get)\b", rest)], (
        "the last stage fetches nothing"
    )
    assert ("ENTRYPOINT", '["insetgan"]') in final
    arguments = [rest for word, rest in instructions() if word == "ARG"]
    assert arguments == ["DEVICE=cpu", "EXTRAS=photos,video"] and "cuda)" in (ROOT / "Containerfile").read_text()


def test_every_requirement_has_a_pin():
    """So that `make setup`, the container and the tests of a release install one set of versions."""
    text = (ROOT / "setup.cfg").read_text()
    listed = re.findall(
        r"^    ([A-Za-z][\w.-]*(?:[<>=!~,\d.]*))$",
        re.sub(r"\[options.package_data\].*?(?=\n\[)", "", text.partition("install_requires =")[2], flags=re.DOTALL),
        re.MULTILINE,
    )
    names = {Requirement(each).name for each in listed if not each.startswith(("where", "insetgan"))}
    pinned = {name.lower().replace("_", "-") for name in PINS}
    assert len(names) > 30 and not {name for name in names if name.lower().replace("_", "-") not in pinned}


def test_the_release_check_sees_what_is_missing_and_what_is_too_much(tmp_path, monkeypatch):
    def archives(wheel_names, sdist_names):
        with zipfile.ZipFile(tmp_path / "a.whl", "w") as file:
            for name in wheel_names:
                file.writestr(name, "x")
        with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as file:
            for name in sdist_names:
                file.addfile(tarfile.TarInfo(f"insetgan-1/{name}"))
        return release_check.look(tmp_path / "a.tar.gz", tmp_path / "a.whl")

    whole = release_check.IN_WHEEL, release_check.IN_SDIST
    assert archives(*whole) == []
    assert archives(whole[0][1:], whole[1]) == [f"a.whl lacks {whole[0][0]}"]
    assert archives((*whole[0], "tests/test_a.py"), whole[1]) == ["a.whl has tests/test_a.py"]
    assert archives(whole[0], whole[1][1:]) == [f"a.tar.gz lacks {whole[1][0]}"]
    monkeypatch.setattr(release_check, "LARGEST", 10)
    assert "more than 10" in archives(*whole)[0]
    for name in release_check.IN_SDIST:
        assert (ROOT / name).exists(), name


def test_citation():
    """The fields that the Citation File Format 1.2.0 asks for, in its forms."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    allowed = {"abstract", "date-released", "keywords", "license", "preferred-citation", "type", "version"}
    assert set(citation) - {"cff-version", "message", "title", "authors"} <= allowed
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software" and citation["license"] == "MIT"
    assert citation["version"] == insetgan.__version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(citation["date-released"]))
    paper = citation["preferred-citation"]
    assert {"type", "title", "authors"} <= set(paper) and paper["type"] == "conference-paper" and paper["year"] == 2022
    assert set(paper["conference"]) == {"name"}
    for author in citation["authors"] + paper["authors"]:
        assert set(author) in ({"name"}, {"given-names", "family-names"}), author
    assert paper["url"] in (ROOT / "README.md").read_text()


def test_the_model_card_knows_every_network():
    text = (DOCS / "model_card.md").read_text()
    rows = dict(
        pair
        for names, numbers in re.findall(
            r"^\| (`\w+`(?:, `\w+`)*) \|[^|]*\|[^|]*\| ([\d.]+ M(?:, [\d.]+ M)*) \|$", text, re.MULTILINE
        )
        for pair in zip(re.findall(r"`(\w+)`", names), re.findall(r"([\d.]+) M", numbers), strict=True)
    )
    assert set(rows) == set(EMBEDDED)
    for name, millions in rows.items():
        count = sum(each.numel() for each in load_network(name).parameters())
        assert float(millions) == pytest.approx(count / 1e6, abs=0.006), name
    weights = ROOT / "src" / "insetgan" / "weights"
    total = sum((weights / f"{name}.safetensors").stat().st_size for name in EMBEDDED)
    assert f"{total / 1e6:.1f} MB together" in text
    drawing = ("body", "face", "hands", "feet", "meadow", "blossom", "parts")
    small = sum((weights / f"{name}.safetensors").stat().st_size for name in drawing)
    assert f"are {small / 1e6:.1f} MB" in (DOCS / "when.md").read_text()


def test_the_figures_of_the_model_card_are_those_of_their_sources():
    card = " ".join((DOCS / "model_card.md").read_text().split())
    trained = (ROOT / "src" / "insetgan" / "weights" / "README.md").read_text()
    for part in ("body", "face", "hands", "feet"):
        now, halves = re.search(rf"^\| {part}\b[^|]*\|[^|]*\| ([\d.]+) \| ([\d.]+) \|$", trained, re.MULTILINE).groups()
        assert f"| {part} | {now} | {halves} |" in card
    readme = (ROOT / "README.md").read_text()
    for before, after in re.findall(r"^\| (?:seam|band):[^|]*\| ([\d.]+) \| ([\d.]+) \|$", readme, re.MULTILINE):
        assert re.search(rf"from {before} to {after}\b", card), (before, after)
    table = (ROOT / "experiments" / "README.md").read_text()
    for row in ("Unconditional", "InsetGAN"):
        found = re.search(rf"^\| {row}[^|]*\| \**([\d.]+)\** / \**([\d.]+)\** \|", table, re.MULTILINE)
        assert f"{found[1]} and {found[2]}" in card, found.groups()


def test_the_figures_of_the_data_card_are_the_archive_s():
    text = (DOCS / "data_card.md").read_text()
    path = ROOT / "src" / "insetgan" / "data" / "people.zip"
    with zipfile.ZipFile(path) as archive:
        images = [name for name in archive.namelist() if name.endswith(".webp")]
        parts = yaml.safe_load(archive.read("parts.json")[:200].decode().partition('"images"')[0].rstrip(", ") + "}")
    assert f"{len(images):,} images of {parts['size'][0]} x {parts['size'][1]} (WebP)" in text
    assert f"{path.stat().st_size / 1e6:.1f} MB" in text and f"seeds 0 to {len(images) - 1}" in text


def test_issue_templates_have_the_forms_of_github():
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    forms = [path for path in sorted(folder.iterdir()) if path.name != "config.yml"]
    assert len(forms) == 3
    assert yaml.safe_load((folder / "config.yml").read_text()) == {"blank_issues_enabled": True}
    for path in forms:
        form = yaml.safe_load(path.read_text())
        assert {"name", "description", "body"} <= set(form) <= {"name", "description", "body", "labels", "title"}, path
        ids = [field["id"] for field in form["body"]]
        assert len(ids) == len(set(ids))
        for field in form["body"]:
            assert field["type"] in ("input", "textarea", "checkboxes", "dropdown") and field["attributes"]["label"], (
                path
            )
            assert set(field) <= {"type", "id", "attributes", "validations"}
