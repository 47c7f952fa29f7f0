"""`insetgan COMMAND`: one program for all commands, from any folder."""

import difflib
import sys
from collections.abc import Sequence

from insetgan import __version__
from insetgan.cli.app import entry
from insetgan.runtime.printing import say_error, silence

COMMANDS = {
    "generate": "draw images from one generator: seeds, style mixing, a walk",
    "refine": "compose images from several generators",
    "train": "train a generator, a detector or a completion network",
    "evaluate": "measure methods beside each other: FID, seams, tables",
    "complete": "fill holes in images with a CoModGAN",
    "invert": "find the latents of images",
    "prepare": "make a dataset",
    "convert": "read published weights, and write them in another form",
    "demo": "open a page in the browser on which people are composed",
}
"""What each command does; the work is `run` of `insetgan.cli.<command>`."""

_HELP = """Usage: insetgan COMMAND [key=value | group=choice | -m key=a,b]...
       insetgan COMMAND --help          its settings and groups
       insetgan completion bash|zsh     a script that completes commands and settings
       insetgan --version

Commands
{commands}

Exit codes: 0 done, 1 a fault of this program, 2 a mistake in what was given, 130 interrupted, 143 stopped by TERM,
128 + N stopped by signal N; what is finished is kept, and the same command goes on from there."""

_COMPLETION = """_insetgan() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" choices
    if [ "$COMP_CWORD" -eq 1 ]; then
        choices="{commands}"
    else
        choices=$(COMP_LINE="python _.py ${{COMP_WORDS[*]:2}}" insetgan "${{COMP_WORDS[1]}}" -sc query=bash 2>/dev/null)
    fi
    COMPREPLY=($(compgen -o nospace -o default -W "$choices" -- "$current"))
}}
COMP_WORDBREAKS=${{COMP_WORDBREAKS//=}}
complete -o nospace -o default -F _insetgan insetgan"""


def main() -> None:
    """Entry point of the program `insetgan`.

    Raises:
        SystemExit: code 2 for a command that there is not; else that of the command.
    """
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in COMMANDS:
        entry(name, arguments)
    elif name == "--version":
        _print(f"insetgan {__version__}")
    elif name in ("-h", "--help", "help"):
        _print(_HELP.format(commands="\n".join(f"  {known:<10} {text}" for known, text in COMMANDS.items())))
    elif name == "completion":
        _print(completion(arguments))
    else:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        say_error(f"error: {name}: no such command; {hint}(allowed: {', '.join(COMMANDS)})")
        raise SystemExit(2)


def completion(arguments: Sequence[str]) -> str:
    """Return the script that completes commands and settings in a shell, "bash" or "zsh".

    Raises:
        SystemExit: code 2 for another shell.
    """
    shell = arguments[0] if arguments else "bash"
    if shell not in ("bash", "zsh"):
        say_error(f"error: completion {shell}: must be bash or zsh")
        raise SystemExit(2)
    script = _COMPLETION.format(commands=" ".join(COMMANDS))
    return script if shell == "bash" else f"autoload -U +X bashcompinit && bashcompinit\n{script}"


def _print(text: str) -> None:
    try:
        print(text, flush=True)  # noqa: T201
    except (OSError, ValueError):
        silence(sys.stdout)
        raise SystemExit(141) from None
