"""Text for people: no control characters, no letter that ends a program, and readers who may go away."""

import io
import os
import re
import sys
from contextlib import suppress
from typing import IO

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Return text with its control characters written out, but for ends of lines and tabs."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def say(text: str) -> None:
    """Print on standard output; where that cannot be, nothing happens."""
    _print(text, sys.stdout)


def say_error(line: str) -> None:
    """Print one line on standard error; where that cannot be, nothing happens."""
    _print(line, sys.stderr)


def show_all_letters(stream: IO[str]) -> None:
    """Write what the stream's encoding lacks, and bytes of file names that are no text, as escapes instead of failing."""
    if isinstance(stream, io.TextIOWrapper):
        with suppress(OSError, ValueError):
            stream.reconfigure(errors="backslashreplace")


def silence(stream: IO[str] | None) -> None:
    """Send what is written to a stream, and what it still holds, nowhere."""
    if stream is None:
        return
    with suppress(OSError, ValueError):  # closed, or no file at all
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


def _print(text: str, stream: IO[str] | None) -> None:
    if stream is None:
        return
    show_all_letters(stream)
    try:
        print(printable(text), file=stream, flush=True)
    except (OSError, ValueError):
        silence(stream)  # or what the stream still holds would fail once more when the program ends
