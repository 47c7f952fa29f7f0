"""What the terminal shows of a training run."""

from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from insetgan.runtime.run_log import note

_SHORT = {
    "Loss/G/loss": "G",
    "Loss/D/loss": "D",
    "Loss/r1_penalty": "r1",
    "Loss/pl_penalty": "pl",
    "Loss/signs/real": "sign(real)",
    "Loss/signs/fake": "sign(fake)",
    "Progress/augment": "p",
    "Metrics/frechet_parts": "frechet_parts",
    "Metrics/fid": "fid",
}


class ProgressDisplay:
    """A line with kimg, images/s, time left and losses at each tick; on a terminal a live bar.

    Args:
        console: where to write; a bar is shown if it is a terminal.
        max_kimg: thousand images of the whole run.
    """

    def __init__(self, console: Console, max_kimg: float) -> None:
        self.console, self.max_kimg = console, max_kimg
        self._bar: Progress | None = None

    def start(self, nimg: int) -> None:
        """Show the bar of a run that has seen `nimg` images."""
        if self.console.is_terminal:
            self._bar = Progress(BarColumn(bar_width=24), TextColumn("{task.description}"), console=self.console)
            self._bar.add_task("starting", total=self.max_kimg * 1000, completed=nimg)
            self._bar.start()

    def move(self, nimg: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=nimg)

    def show(self, nimg: int, rate: float, scalars: Mapping[str, float]) -> None:
        """Write the line of a tick: `rate` is in images a second."""
        kimg = nimg / 1000
        left = max(self.max_kimg - kimg, 0) * 1000 / rate
        shown = {short: scalars[name] for name, short in _SHORT.items() if name in scalars} or scalars
        values = "  ".join(f"{name} {value:.3f}" for name, value in shown.items())
        line = f"kimg {kimg:.2f}/{self.max_kimg:g}  {rate:.1f} images/s  {duration(left)} left  {values}"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], description=line)
            note(line)  # a console notes what it prints by itself
        else:
            self.console.print(line, markup=False)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def duration(seconds: float) -> str:
    """Seconds as 1h02m, 12m05s or 9s."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 60}m{whole % 60:02d}s" if whole >= 60 else f"{whole}s"
