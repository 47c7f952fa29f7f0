"""The fixtures of tests/cli, which run commands, for what users ran into."""

import importlib.util
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("cli_fixtures", Path(__file__).parents[1] / "cli" / "conftest.py")
_FIXTURES = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_FIXTURES)
globals().update({name: value for name, value in vars(_FIXTURES).items() if not name.startswith("_")})
