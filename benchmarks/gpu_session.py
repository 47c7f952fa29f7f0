"""The device, the time that is left and the tables of `gpu_tables.py`."""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import train


class Session:
    """The device, the time that is left, and what has been found."""

    def __init__(self, device: str, budget: float, tiny: bool, out: Path | None) -> None:
        self.device, self.tiny, self.out = device, tiny, out
        self.end = time.perf_counter() + budget
        self.rate = 0.0  # the card's matrix products, bf16, FLOP/s
        self.tables: dict[str, list[dict[str, Any]]] = {}
        self.left_out: list[str] = []
        self.repeats = 2 if tiny else 10

    def table(self, title: str, *headings: str) -> None:
        """Begin a table."""
        self.name, self.headings, self.tables[title] = title, headings, []
        print(f"\n{title}\n\n| {' | '.join(headings)} |\n|{'---|' * len(headings)}", flush=True)

    def case(self, name: str, seconds: float, measure: Callable[[], list[str]]) -> None:
        """Measure a row that is expected to take some seconds; what fails becomes the row.

        Args:
            name: its first cell.
            seconds: begin only if so many are left; nothing stops a case that has begun.
            measure: gives the other cells.
        """
        if not self.tiny and time.perf_counter() + seconds > self.end:
            self.left_out.append(f"{self.name}: {name}")
            return
        began = time.perf_counter()
        try:
            cells = measure()
        except Exception as failure:  # out of memory too
            first = (str(failure).strip().splitlines() or [""])[0][:150].replace("|", "/")
            cells = [f"{type(failure).__name__}: {first}"]
        if self.device == "cuda":
            torch.cuda.empty_cache()
        row = [name, *cells] + [""] * (len(self.headings) - len(cells) - 1)
        self.tables[self.name].append(
            {**dict(zip(self.headings, row, strict=False)), "took": time.perf_counter() - began}
        )
        print(f"| {' | '.join(row)} |", flush=True)
        if self.out is not None:  # after every row: a run that is cut off keeps what it found
            self.out.write_text(json.dumps({"tables": self.tables, "left out": self.left_out}, indent=1))

    def wait(self) -> None:
        """Wait until the device has done its work."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def median(self, function: Callable[[], Any], *, most: float = 2.0) -> float:
        """Seconds a call: two calls to warm up, then medians of up to `repeats`, for `most` seconds at most."""
        function()
        function()
        self.wait()
        times: list[float] = []
        while len(times) < self.repeats and (len(times) < 3 or sum(times) < most):
            began = time.perf_counter()
            function()
            self.wait()
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    def autocast(self, kind: str) -> torch.autocast:
        """Short floats, unless the kind is fp32."""
        return torch.autocast(self.device, dtype=train.TYPES[kind], enabled=kind != "fp32")
