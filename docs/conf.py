"""How Sphinx builds the site; `python docs/build.py` lays out the sources and calls it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from both_themes import scraper  # noqa: E402
from sphinx.pycode import ModuleAnalyzer  # noqa: E402

from alignsim import __version__  # noqa: E402
from docs import names  # noqa: E402

project = "alignsim"
author = "The alignsim developers"
copyright = author
version = release = __version__
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_gallery.gen_gallery",
]
root_doc = "index"
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
include_patterns = [
    "index.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/**.md",
    "benchmarks/README.md",
    "notebooks/*.ipynb",
    "reference/**",
    "gallery/**.rst",
]
exclude_patterns = ["gallery/sg_execution_times.rst", "sg_execution_times.rst"]
templates_path = [str(HERE / "templates")]
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(numpy|np|xarray|matplotlib|collections|concurrent)\..*"),
    ("py:.*", r"alignsim\.(errors|kernels)\..*"),  # named in docstrings, without a page
]

# Pages
smartquotes_action = "q"  # two hyphens begin an option of a command
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]

# Code in pages is run, and its outputs are kept while it stays as it is. The notebooks hold
# their outputs, which tests/test_notebooks.py checks, and are shown as they are.
nb_execution_mode = "cache"
nb_execution_excludepatterns = ["notebooks/*"]
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
nb_output_stderr = "remove"  # progress, where a machine is slow
nb_render_markdown_format = "myst"

# Reference
autosummary_generate = True
autosummary_filename_map = {  # a class and a function that differ by a capital need two files
    f"{room}.{name}": f"{room}.{name}-class"
    for room, own in names.rooms().items()
    for name in own
    if name.lower() in own and name.lower() != name
}
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False


def escape_bars(_app, _what, _name, _thing, _options, lines: list[str]) -> None:
    """Escape the bars of absolute values and norms, which reST takes for substitutions."""
    example = False
    for n, line in enumerate(lines):
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if not example:
            lines[n] = re.sub(r"(``.*?``)|\|", lambda found: found[1] or r"\|", line)


def describe_constant(_app, what, name, _thing, _options, lines: list[str]) -> None:
    """Say of a constant what stands below it in the source, not what its type says of itself."""
    if what != "data":
        return
    room, _, own = name.rpartition(".")
    modules = [each for each in sorted(sys.modules) if each.startswith(room)]
    found = (ModuleAnalyzer.for_module(each).find_attr_docs().get(("", own)) for each in modules)
    lines[:] = next(filter(None, found), [])


def setup(app) -> None:
    """Have docstrings escaped after numpydoc has read them."""
    app.connect("autodoc-process-docstring", describe_constant, priority=800)
    app.connect("autodoc-process-docstring", escape_bars, priority=900)


# Gallery
sphinx_gallery_conf = {
    "examples_dirs": "docs/gallery",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "image_scrapers": (scraper,),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "min_reported_time": 1e6,
    "write_computation_times": False,
    "show_signature": False,
    "remove_config_comments": True,
}

# Looks
html_theme = "pydata_sphinx_theme"
html_title = "alignsim"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_sidebars = {
    page: []  # which have no pages below them
    for page in (
        "index",
        "CHANGELOG",
        "CONTRIBUTING",
        *(f"docs/{name}" for name in ("tutorial", "theory", "words", "chosen", "hanna")),
        *(f"docs/{name}" for name in ("beside", "architecture")),
    )
}
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
