"""Commands and small weights for them, as tests/cli has them."""

import importlib.util
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("cli_fixtures", Path(__file__).parents[1] / "cli" / "conftest.py")
_cli = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_cli)

assert_one_line, body, in_process, people = _cli.assert_one_line, _cli.body, _cli.in_process, _cli.people
refine, small, tiny, train = _cli.refine, _cli.small, _cli.tiny, _cli.train
