"""Every command on every page composes: its settings exist and conform. README's are run elsewhere."""

import importlib.util
import re
import shlex
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hydra._internal.hydra import Hydra
from markdown_it import MarkdownIt

from insetgan.cli import app, task
from insetgan.cli.app import entry

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "experiments").glob("*.md")), ROOT / "benchmarks" / "README.md",
    ROOT / "src" / "insetgan" / "weights" / "README.md", ROOT / "src" / "insetgan_renderers" / "README.md",
]  # fmt: skip
NAMES = "generate|refine|train|evaluate|complete|invert|prepare|convert|demo"
BEGIN = re.compile(rf"(?:python (?:{NAMES})\.py|insetgan (?:{NAMES}))\b")

STAND_INS = ("FILE", "ffhq.pkl")
"""Generators that readers have."""
QUICK = ("faq", "library", "model_card", "data_card", "when")
"""Pages whose commands are composed by `make test` too; one takes a quarter of a second."""


def read(text):
    """Lines of the blocks of commands, continued ones joined, and pieces of code within sentences."""
    lines, within = [], []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "code_block" or (token.type == "fence" and token.info in ("", "sh", "bash")):
            lines += token.content.replace("\\\n", " ").splitlines()
        within += [" ".join(each.content.split()) for each in token.children or () if each.type == "code_inline"]
    return lines, within


def commands(text):
    """What a page tells to type, once each: the lines of blocks from the program on, and whole commands within sentences."""
    lines, within = read(text)
    variables = dict(match.groups() for line in lines if (match := re.match(r'([A-Z]+)="(.*)"$', line)))
    lines = [re.sub(r"\$([A-Z]+)", lambda match: variables.get(match[1], match[0]), line) for line in lines]
    found = [line[match.start() :] for line in lines if (match := BEGIN.search(line))]
    found += [each for each in within if BEGIN.match(each)]
    return list(dict.fromkeys(re.split(r"\s+#", line)[0].strip() for line in found))


def parsed(line):
    """The entry point and its arguments; placeholders of sentences ("...") are left away."""
    words = shlex.split(line)
    words = words[1:] if words[0] in ("python", "insetgan") else words
    return words[0].removesuffix(".py"), [word for word in words[1:] if not word.endswith("...")]


def named(page):
    return str(page.relative_to(ROOT).with_suffix("")).removeprefix("docs/")


ALL = [(named(page), line) for page in PAGES for line in commands(page.read_text())]


@pytest.fixture
def composed(monkeypatch, tmp_path, capsys):
    """Compose and check a command, and do nothing: composed(name, arguments) -> what was wrong with it."""
    monkeypatch.chdir(tmp_path)
    for name in STAND_INS:  # of which the settings themselves depend
        (tmp_path / name).symlink_to(ROOT / "src" / "insetgan" / "weights" / "face.safetensors")
    monkeypatch.setattr(task.Task, "run", lambda *_: None)
    monkeypatch.setattr(task, "accept_licences", lambda *_: None)
    monkeypatch.setattr(
        Hydra, "multirun", lambda *_, **__: None
    )  # the runs of a sweep are checked, and none is launched
    checked = type("Module", (), {"check_run": staticmethod(lambda _: None)})
    original = app.importlib.import_module
    entries = {f"insetgan.cli.{name}" for name in NAMES.split("|")}
    fake = type("Importlib", (), {"import_module": staticmethod(lambda n: checked if n in entries else original(n))})
    monkeypatch.setattr(app, "importlib", fake)

    def compose(name, arguments):
        try:
            entry(name, arguments)
        except SystemExit as end:
            return capsys.readouterr().err if end.code else ""
        return ""

    return compose


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=() if page in QUICK else pytest.mark.slow) for page in sorted({p for p, _ in ALL})],
)
def test_every_command_of_a_page_composes(page, composed):
    wrong = {line: said for each, line in ALL if each == page and (said := composed(*parsed(line)))}
    assert not wrong, "\n".join(f"{line}\n    {said}" for line, said in wrong.items())


def test_a_wrong_command_is_seen(composed):
    """What this file asserts can fail: settings that do not exist or do not conform, in runs and in sweeps."""
    assert "stepz" in composed("refine", ["stepz=3"])
    assert "batch_size=0" in composed("refine", ["batch_size=0"])
    assert "trunc" in composed("refine", ["-m", "trunc=0.5,x"])
    assert "model/nose: no such choice" in composed("train", ["+model=nose"])
    assert not composed("refine", ["steps=3"])


def test_the_pages_are_read():
    """The commands that a look at the pages finds are found; a change of the pages' form must not make this file idle."""
    counted = Counter(page for page, _ in ALL)
    assert (
        len(ALL) > 60
        and min(counted[page] for page in ("photos", "weights", "train", "evaluate", "gallery", "faq")) >= 3
    )
    text = "a\n```\nHF_TOKEN=x python convert.py in=a out=b   # c\n```\n\n    insetgan refine \\\n    steps=1\n\n"
    text += 'see `python train.py\n+model=face`\n\n    A="x=1 y=2"\n    python refine.py $A z=3\n'
    blocks = ["python convert.py in=a out=b", "insetgan refine  steps=1", "python refine.py x=1 y=2 z=3"]
    assert commands(text) == [*blocks, "python train.py +model=face"]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_blocks_of_commands_hold_nothing_unknown(page):
    """A line of a block whose program is not one of ours is a script or module that there is, or a known program."""
    for line in re.findall(
        r"^(?:exec srun )?(python \S.*|insetgan .*|make .*)$", "\n".join(read(page.read_text())[0]), re.MULTILINE
    ):
        words = shlex.split(re.split(r"\s+#", line)[0])
        if BEGIN.match(line) or words[0] == "insetgan":
            continue
        if words[0] == "make":
            assert subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, capture_output=True).returncode == 0, line
        elif words[1] == "-m":
            assert importlib.util.find_spec(words[2]), line
        else:
            assert (ROOT / words[1]).is_file(), line
