"""The wheel carries conf/ and experiments/, which lie at the top of the checkout; all else is in setup.cfg."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithConfiguration(build_py):
    """Copies conf/ and experiments/ into the package, where `insetgan.cli.places` finds them."""

    def run(self) -> None:
        """Build the package as ever, then copy; an editable install uses the checkout's own."""
        super().run()
        if not self.editable_mode:
            for name in ("conf", "experiments"):
                target = Path(self.build_lib) / "insetgan" / name
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(name, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))


setup(cmdclass={"build_py": BuildWithConfiguration})
