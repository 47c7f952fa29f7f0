"""Nothing that is printed ends the work: rich#3203 (brackets in paths), closed pipes, terminals without letters."""

import io
import os
import subprocess
import sys

import pytest

from insetgan.cli.evaluate_output import print_table
from insetgan.cli.terminal import PatientConsole, progress, table
from insetgan.evaluation.tables import Entry, Panel, Table
from insetgan.runtime.printing import printable, say, say_error, silence

SHOWN = ["x[/red]y", "[bold]a", ":warning:", "a\x1b[31mb", "a\rb", "caf\u00e9\u4eba", "a\udcffb", "[link=x]y[/link]"]


def printed(*texts, encoding="utf-8"):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    console = PatientConsole(stream)
    for text in texts:
        console.print(text)
    stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("text", SHOWN, ids=ascii)  # a name of a test with a lone surrogate breaks xdist
def test_text_is_printed_as_it_is_and_control_characters_as_escapes(text):
    wanted = text.replace("\x1b", "\\x1b").replace("\r", "\\x0d").replace("\udcff", "\\udcff")
    assert printed(text) == f"{wanted}\n"


def test_a_terminal_without_letters_gets_escapes():
    assert printed("caf\u00e9 \u4eba", encoding="ascii") == "caf\\xe9 \\u4eba\n"


def test_a_table_shows_its_cells_as_they_are():
    raw = io.StringIO()
    table("[red]title", ["[a]", ":x:"], [["x[/red]y", "\x1b[2J"]], console=PatientConsole(raw))
    text = raw.getvalue()
    assert all(part in text for part in ("[red]title", "[a]", ":x:", "x[/red]y", "\\x1b[2J"))


def test_a_bar_shows_its_title_as_it_is():
    raw = io.StringIO()
    console = PatientConsole(raw)
    console._force_terminal = True
    with progress("into x[/red]y\x1b[2J", "images", console=console) as on_progress:
        on_progress(1, 2)
    assert "x[/red]y\\x1b[2J" in raw.getvalue()


def test_printable_leaves_lines_and_tabs_alone():
    assert printable("a\tb\nc\x00\x7f\x9b") == "a\tb\nc\\x00\\x7f\\x9b"


def test_a_stream_that_is_closed_or_full_silences_and_does_not_raise():
    class Full(io.StringIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    closed = io.StringIO()
    console = PatientConsole(closed)
    closed.close()
    for broken in (console, PatientConsole(Full())):
        broken.print("a")
        broken.print("b")
        assert broken.quiet
    silence(closed)
    silence(None)


def test_errors_are_printed_wherever_that_can_be(monkeypatch, capsys):
    say_error("x[/red]\x1b[2J")
    assert capsys.readouterr().err == "x[/red]\\x1b[2J\n"
    monkeypatch.setattr(sys, "stderr", None)
    say_error("nobody reads")


ASCII = "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 {}"
WORK = (
    "from insetgan.cli.terminal import PatientConsole, progress, table\n"
    "console = PatientConsole()\n"
    "with progress('r\\u00e9sum\\u00e9', 'images') as on_progress:\n"
    "    on_progress(1, 2); on_progress(2, 2)\n"
    "table('\\u4eba', ['a'], [['\\udcff']])\n"
    "console.print('caf\\u00e9')\n"
    "open('done', 'w').close()\n"
)


@pytest.mark.parametrize(
    "how",
    [
        "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 {}",
        "PYTHONIOENCODING=ascii {}",
        "{} >&-",
        "{} | true",
        "{} > /dev/full",
    ],
)
def test_work_is_finished_whoever_reads(how, tmp_path):
    (tmp_path / "work.py").write_text(WORK)
    line = how.format(f"{sys.executable} work.py")
    if "|" in line:
        line += "; exit ${PIPESTATUS[0]}"
    result = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize("how", ["{} >&-", "{} > /dev/full", ASCII])
def test_a_refinement_is_finished_whoever_reads(how, tiny, tmp_path):
    script = os.path.join(os.path.dirname(__file__), "..", "..", "refine.py")
    full = " ".join(
        f"'{part}'" for part in [sys.executable, script, *tiny, "steps=2", "seeds=0", "out=caf\u00e9[/red]"]
    )
    result = subprocess.run(["bash", "-c", how.format(full)], cwd=tmp_path, capture_output=True)
    assert (result.returncode, result.stderr) == (0, b"")
    assert (tmp_path / "caf\u00e9[" / "red]" / "sheet.png").exists()


def test_the_best_of_a_table_is_starred_and_no_markup_is_printed():
    panel = Panel("FD \u2193 [x]", [("joint [a]", [Entry("1.20", "[1.1, 1.3]", best=True), Entry("3.40")])])
    raw = io.StringIO()
    print_table(Table([(0.7, "body"), (0.4, "body")], [panel], "caption [b]"), PatientConsole(raw))
    text = raw.getvalue()
    assert "[bold]" not in text and "\\[" not in text
    assert all(part in text for part in ("FD \u2193 [x]", "joint [a]", "1.20*", "[1.1, 1.3]", "3.40", "caption [b]"))
    assert "3.40*" not in text


@pytest.mark.parametrize("how", ["PYTHONIOENCODING=ascii {}", "{} >&-", "{} | true", "{} > /dev/full"])
def test_commands_of_modules_print_likewise(how, tmp_path):
    """`python -m insetgan.evaluation.measure` and `insetgan.weights.ship` name files, too."""
    work = "from insetgan.runtime.printing import say; say('caf\\u00e9\\x1b[2J'); open('done', 'w').close()"
    command = f'{sys.executable} -c "{work}"'
    result = subprocess.run(["bash", "-c", how.format(command)], cwd=tmp_path, capture_output=True)
    assert (result.returncode, result.stderr) == (0, b"")
    assert (tmp_path / "done").exists()
    assert b"\x1b" not in result.stdout


def test_text_is_said_as_it_is(capsys):
    say("x[/red]\x1b[2J")
    assert capsys.readouterr().out == "x[/red]\\x1b[2J\n"
