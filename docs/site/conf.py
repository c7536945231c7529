"""The site of circle15: pages of docs/ as they are, public names from docstrings, tables from their statements.

``make docs`` builds it into out/docs, with warnings as errors, and checks every link. No network is needed, neither
to build it nor to read it: no font, script or picture comes from elsewhere.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import generated
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from words import ChineseAndEnglish, close_up

import circle15

project = "circle15"
author = "The circle15 authors"
project_copyright = "the circle15 authors, MIT licence"
version = release = circle15.__version__
language = "en"
default_role = "literal"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["site"]
myst_heading_anchors = 3  # as GitHub names them

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
python_use_unqualified_type_names = True
python_display_short_literal_types = True
python_maximum_signature_line_length = 88
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "circle15"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_search_language = ChineseAndEnglish.lang
html_copy_source = False
html_show_sphinx = False
html_last_updated_fmt = None
html_theme_options = {"top_of_page_buttons": []}


OUTSIDE = {  # pages of the repository that the site takes in, by the page that does
    "(../benchmarks/report.md": "(benchmarks.md",
    "(../data/README.md": "(demo_data.md",
    "(../CHANGELOG.md": "(changelog.md",
}
FROM_DISK = "if (location.protocol === 'file:') DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;"  # no fetch there


def taken_in(_: Sphinx, __: str, source: list[str]) -> None:
    """Lead links to such pages, which are right where the source is read, to the site's own."""
    for there, here in OUTSIDE.items():
        source[0] = source[0].replace(there, here)


def left_out(app: Sphinx, document: nodes.document) -> None:
    """Leave the words of a link to a file or folder of the repository that the site has not."""
    for link in list(document.findall(pending_xref)):
        if link["reftype"] == "myst" and link["refdomain"] is None:
            folders = (Path(app.srcdir), Path(app.srcdir).parent)  # that of a page, that of one that is taken in
            if any((folder / link["reftarget"]).exists() for folder in folders):
                link.replace_self(link.children)


def from_a_file(*about: object) -> tuple[str, str] | None:
    """Take away the arguments of records that are read from files: nobody makes them by hand."""
    _, _, _, one, *_ = about
    return ("", "") if hasattr(one, "model_fields") else None


def setup(app: Sphinx) -> None:
    """Say what this site adds to Sphinx."""
    app.add_js_file(None, body=FROM_DISK)
    app.add_search_language(ChineseAndEnglish)
    app.connect("autodoc-process-signature", from_a_file)
    app.connect("source-read", taken_in)
    app.connect("doctree-read", left_out)
    app.connect("doctree-read", close_up)
    app.add_directive("public", generated.Public)
    app.add_directive("dictionary", generated.Dictionary)
