"""The site of the documentation: the pages as they lie in the repository, and a reference from the docstrings.

`make docs` runs it. The source folder is the repository itself, so that links from page to page and to files are those that
work in any viewer of the repository; Sphinx warns of each that leads nowhere, and a warning ends the build.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

import insetgan  # noqa: E402

project = "InsetGAN"
author = copyright = "The InsetGAN project authors"
version = release = insetgan.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "docs/site/**.rst",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "experiments/*.md",
    "benchmarks/README.md",
    "src/**/README.md",
]
exclude_patterns = [".venv", "build", "outputs", "**/.*"]
highlight_language = "sh"  # of the pages' blocks without a language
myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings = ["myst.header", "misc.highlighting_failure"]  # pages may begin at any level; blocks of plain text

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_attr_annotations = True
napoleon_use_ivar = True  # attributes are said once, where they are typed or in the class
default_role = "code"  # a docstring writes `name` for a name

html_theme = "furo"
html_title = f"InsetGAN {release}"
html_extra_path = ["start"]  # index.html at the top, which leads to docs/index.html
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"font-stack": "system-ui, sans-serif", "font-stack--monospace": "ui-monospace, monospace"},
}
