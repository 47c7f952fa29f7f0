"""The notes that the runs of a sweep leave in its folder; imports nothing heavy."""

from pathlib import Path

NOTES = ".runs"
"""Folder of a sweep in which each run notes where it is; written by the run, which may be in another process."""


def note_paths(folder: Path) -> list[Path]:
    """Paths of the notes in a sweep's folder, in the order of the runs' numbers."""
    return sorted((folder / NOTES).glob("[0-9]*.json"), key=lambda path: int(path.stem))
