"""
How Sphinx builds the site: `make docs` writes it to `docs/_build/html`.

Pages are Markdown; the reference is generated at build by `_ext/reference.py` from what is in the code.
"""

import sys
from importlib.metadata import version as installed
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

project = "alpha_pipeline"
author = "the authors of alpha_pipeline"
version = release = installed("alpha-pipeline")
extensions = [
    "myst_parser",
    "sphinx.ext.apidoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "reference",
]
exclude_patterns = ["_build"]
default_role = "code"
smartquotes_action = "D"  # dashes alone: quotes of the code stand as they are

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

apidoc_modules = [
    {
        "path": "../alpha_pipeline",
        "destination": "reference/python/alpha_pipeline",
        "exclude_patterns": ["../alpha_pipeline/assets/**"],
        "follow_links": True,
        "max_depth": 2,
        "separate_modules": False,
        "automodule_options": {"members", "show-inheritance"},
    }
]
autodoc_mock_imports = ["torch"]
autodoc_default_options = {"ignore-module-all": True}  # a re-exported name is described where it is defined
# Short names in backticks fit several members; a multi-line quote in a console block is no error of the page.
suppress_warnings = ["ref.python", "misc.highlighting_failure"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_custom_sections = [("Fields", "params_style"), ("Source", "notes_style")]

html_theme = "furo"
html_title = "alpha_pipeline"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
pygments_style = "friendly"
