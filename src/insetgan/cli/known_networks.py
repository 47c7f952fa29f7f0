"""The table of published networks, for `convert.py list=true`."""

from rich.console import Console

from insetgan.cli.terminal import PatientConsole, table
from insetgan.weights.known import known_networks


def print_known(console: Console | None = None) -> None:
    """Print a line for each network that `known:NAME` names: what it draws, its size, kind, licence and page."""
    console = console or PatientConsole()
    rows = [
        [each.name, each.domain, each.size, each.kind + ("" if each.read else " (not read)"), each.licence, each.page]
        for each in known_networks().values()
    ]
    table("weights=known:NAME", ["name", "draws", "height x width", "kind", "licence", "from"], rows, console=console)
    console.print("weights=known:NAME fetches one once; its licence is shown, and accept_licence=true accepts it")
