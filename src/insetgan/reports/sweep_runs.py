"""The runs of a sweep, as the sweep's folder notes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from insetgan.metrics.measures import Quantity, read_quantities
from insetgan.reports.sweep_notes import note_paths
from insetgan.runtime import limits
from insetgan.runtime.reading import parse_json, read_file


@dataclass(frozen=True)
class Run:
    """One run of a sweep.

    Attributes:
        folder: of the run.
        overrides: what was asked of it, value by key; a key that was removed is named with its tilde and has no value.
        records: its samples as in results.json; empty where there is a problem.
        problem: why there are no results, or nothing.
        quantities: what the numbers of the records are, by name.
    """

    folder: Path
    overrides: Mapping[str, str]
    records: Sequence[Mapping[str, Any]]
    problem: str = ""
    quantities: Mapping[str, Quantity] = field(default_factory=dict)

    def label(self, keys: Sequence[str]) -> str:
        """What tells this run from the others."""
        asked = [f"{key}={self.overrides[key]}".removesuffix("=") for key in keys if key in self.overrides]
        return ", ".join(asked) or self.folder.name


def read_notes(folder: Path, unfinished: str = "did not end") -> list[Run]:
    """Read what the runs that are noted in a sweep's folder left, in the order of their numbers.

    Args:
        folder: of the sweep.
        unfinished: the problem of a run that has no end yet.
    """
    return [read_run(parse_json(read_file(note, limits.JSON_BYTES)), unfinished) for note in note_paths(folder)]


def read_run(note: Mapping[str, Any], unfinished: str = "did not end") -> Run:
    """Read what a run left.

    Args:
        note: its "folder", "overrides" (as Hydra lists them), "state" (started, completed or failed) and, for one that
            failed, the line that it "said".
        unfinished: the problem of a run that has no end yet.

    Returns:
        The run, with a problem instead of records where it did not come to an end or left no results that can be read.
    """
    folder = Path(note["folder"])
    overrides = {}
    for override in note["overrides"]:
        key, _, value = override.partition("=")
        overrides[key.lstrip("+")] = value.replace("'", "")  # the quotes of text settings
    if note["state"] != "completed":
        failed = "failed" + (f": {note['said']}" if note.get("said") else "")
        return Run(folder, overrides, [], failed if note["state"] == "failed" else unfinished)
    try:
        results = parse_json(read_file(folder / "results.json", limits.JSON_BYTES))
        records, known = results["samples"], read_quantities(results.get("measures"))
    except FileNotFoundError:
        problem = "its shards lie in the folder of all shards" if "shard" in overrides else "no results"
        return Run(folder, overrides, [], problem)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Run(folder, overrides, [], "results cannot be read")
    return Run(folder, overrides, records, "" if records else "no samples", known)


def differing(runs: Sequence[Run]) -> list[str]:
    """Keys of the overrides that are not the same in all runs, in the order in which they were given."""
    keys = dict.fromkeys(key for run in runs for key in run.overrides if key != "out")
    return [key for key in keys if len({run.overrides.get(key) for run in runs}) > 1]
