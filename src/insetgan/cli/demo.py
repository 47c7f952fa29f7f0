"""`python demo.py`: a page on which people are composed."""

from importlib import import_module
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from insetgan.cli.demo_refiner import PageRefiner
from insetgan.cli.terminal import PatientConsole
from insetgan.runtime.errors import UserError
from insetgan.runtime.threads import limit_threads
from insetgan.studio.place import is_loopback
from insetgan.weights.store import load_network

_SHORTEST = 4  # letters of a password


def run(config: DictConfig) -> None:
    """Serve the page until it is stopped."""
    server = _ready(config)
    limit_threads(config.num_threads)
    body = load_network(config.body, kind="generator", key="body")
    face = load_network(config.face, kind="generator", key="face")
    always = [
        f"{key}={given}"
        for key, given, usual in (
            ("canvas.weights", config.body, "body"),
            ("parts.face.weights", config.face, "face"),
        )
        if given != usual
    ]
    console = PatientConsole()
    if not is_loopback(config.host) and config.password is None:
        console.print(
            f"host={config.host}: who reaches this machine can use the page; password= asks for one", markup=False
        )
    settings = server.Place(
        config.host, config.port, config.password, config.open, None if config.runs is None else Path(config.runs)
    )
    server.serve(body, face, PageRefiner(always), settings, lambda line: console.print(line, markup=False))


def check_run(config: DictConfig) -> None:
    """Raise what would stop a run before its work.

    Raises:
        UserError: the packages of the page are missing, or there is no such generator.
    """
    _ready(config)
    load_network(config.body, kind="generator", key="body")
    load_network(config.face, kind="generator", key="face")


def _ready(config: DictConfig) -> Any:
    """Check the settings; gives the module that serves, which needs Gradio."""
    if config.password is not None and len(config.password) < _SHORTEST:
        raise UserError(f"password=: must have {_SHORTEST} letters or more")
    if config.runs is not None and not Path(config.runs).is_dir():
        raise UserError(f"runs={config.runs}: must be a folder")
    try:
        return import_module("insetgan.studio.server")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("gradio"):
            raise
        raise UserError("demo: needs gradio: pip install -e '.[demo]'") from error
