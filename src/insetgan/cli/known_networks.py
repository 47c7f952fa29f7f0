"""The table of published networks, for `convert.py list=true`."""

from rich.console import Console

from insetgan.cli.terminal import PatientConsole
from insetgan.weights.known import known_networks


def print_known(console: Console | None = None) -> None:
    """Print a line for each network that `known:NAME` names: what it draws, its size, kind, licence and page."""
    console = console or PatientConsole()
    known = known_networks().values()
    width = max(len(each.name) for each in known)
    for each in known:  # lines and no table, in which names of that length are cut off
        kind = each.kind + ("" if each.read else " (not read)")
        console.print(f"{each.name:<{width}}  {each.domain}; {each.size}; {kind}; {each.licence}; {each.page}")
    console.print("weights=known:NAME fetches one once; its licence is shown, and accept_licence=true accepts it")
