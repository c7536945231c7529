"""What the site writes from the source: the public names by their docstrings, the data dictionary by its statements."""

import inspect
from importlib import import_module

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

import circle15
from circle15 import tables

KINDS = {
    "errors": lambda one: inspect.isclass(one) and issubclass(one, (Exception, circle15.Finding)),
    "classes": lambda one: inspect.isclass(one) and not issubclass(one, (Exception, circle15.Finding)),
    "functions": inspect.isroutine,
}


def public(kind: str, room: str = "") -> list[str]:
    """Public names of a kind, with the room they are asked in: ``circle15.coverage``, ``circle15.measures.gini``."""
    home = ".".join(filter(None, ("circle15", room)))
    module = import_module(home)
    own = [name for name, one in vars(module).items() if name[0] != "_" and getattr(one, "__module__", "") == home]
    return [f"{home}.{name}" for name in getattr(module, "__all__", own) if KINDS[kind](getattr(module, name))]


class Public(Directive):
    """``.. public:: functions measures``: the docstrings of every public name of that kind in that room."""

    required_arguments, optional_arguments = 1, 1

    def run(self):
        """Ask autodoc for each."""
        lines = []
        for name in public(*self.arguments):
            what = "function" if self.arguments[0] == "functions" else "class"
            lines += [f".. auto{what}:: {name}", *(["   :members:"] if what == "class" else []), ""]
        found = nodes.container()
        self.state.nested_parse(StringList(lines, "the public names"), 0, found)
        return found.children


class Dictionary(Directive):
    """Every table and column, as a run writes them to columns.csv."""

    optional_arguments = 1

    def run(self):
        """One section a table; those of a comparison with the argument ``changes``."""
        listed = tables.CHANGE_TABLES if self.arguments == ["changes"] else tables.TABLES
        return [self.section(table) for table in sorted(listed.values(), key=lambda table: table.name)]

    def section(self, table):
        """One table in words and columns."""
        found = nodes.section(ids=[f"table-{table.name.replace('_', '-')}"])
        found += nodes.title("", table.name)
        found += nodes.paragraph("", table.words)
        listed = [[table.index, "text", "Id, unique; the index of the table."]]
        listed += [[column.name, column.kind, meaning(column)] for column in table.columns]
        if table.geometry:
            listed.append(["geometry", " or ".join(table.geometry), "Shape, in metres of the study's CRS."])
        found += rows([["column", "kind", "meaning"], *listed])
        return found


def meaning(column):
    """What a column says, what it may hold, and whether it may be missing."""
    words = [column.words]
    if column.allowed:
        words.append(f"One of: {', '.join(repr(one) if not one else one for one in column.allowed)}.")
    if column.nulls:
        words.append("May be missing.")
    return " ".join(words)


def rows(cells):
    """A table of docutils: the first row is its head, the first column is code."""
    group = nodes.tgroup(cols=len(cells[0]))
    group += [nodes.colspec(colwidth=1) for _ in cells[0]]
    head, body = nodes.thead(), nodes.tbody()
    for part, some in ((head, cells[:1]), (body, cells[1:])):
        for texts in some:
            row = nodes.row()
            for at, text in enumerate(texts):
                words = nodes.literal("", text) if at == 0 and part is body else nodes.Text(text)
                row += nodes.entry("", nodes.paragraph("", "", words))
            part += row
    group += [head, body]
    found = nodes.table(classes=["dictionary"])
    found += group
    return found
