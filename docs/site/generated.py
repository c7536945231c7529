"""What the site writes from the source: the public names by their docstrings, the data dictionary by its statements."""

import inspect
from importlib import import_module

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

import circle15
from circle15 import tables
from circle15.tables.contract import Column, Table

KINDS = {
    "errors": lambda one: inspect.isclass(one) and issubclass(one, (Exception, circle15.Finding)),
    "classes": lambda one: inspect.isclass(one) and not issubclass(one, (Exception, circle15.Finding)),
    "functions": inspect.isroutine,
}

MEMBERS = ["   :members:", "   :exclude-members: model_config"]


def public(kind: str, room: str = "") -> list[str]:
    """Public names of a kind, with the room they are asked in: ``circle15.coverage``, ``circle15.measures.gini``."""
    home = ".".join(filter(None, ("circle15", room)))
    module = import_module(home)
    own = [name for name, one in vars(module).items() if name[0] != "_" and getattr(one, "__module__", "") == home]
    return [f"{home}.{name}" for name in getattr(module, "__all__", own) if KINDS[kind](getattr(module, name))]


class Public(Directive):
    """``.. public:: functions measures``: the docstrings of every public name of that kind in that room."""

    required_arguments, optional_arguments = 1, 1

    def run(self) -> list[nodes.Node]:
        """Ask autodoc for each."""
        lines = []
        for name in public(*self.arguments):
            what = "function" if self.arguments[0] == "functions" else "class"
            lines += [f".. auto{what}:: {name}", *(MEMBERS if what == "class" else []), ""]
        found = nodes.container()
        self.state.nested_parse(StringList(lines, "the public names"), 0, found)
        return found.children


class Dictionary(Directive):
    """Every table and its columns; those of a comparison with the argument ``changes``."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """One section a table."""
        listed = tables.CHANGE_TABLES if self.arguments == ["changes"] else tables.TABLES
        return [section(table) for table in sorted(listed.values(), key=lambda table: table.name)]


def section(table: Table) -> nodes.section:
    """One table in words and columns."""
    found = nodes.section(ids=[f"table-{table.name.replace('_', '-')}"])
    listed = [[table.index, "text", "Id, unique; the index of the table."]]
    listed += [[column.name, column.kind, meaning(column)] for column in table.columns]
    if table.geometry:
        listed.append(["geometry", " or ".join(table.geometry), "Shape, in metres of the study's CRS."])
    found += [nodes.title("", table.name), nodes.paragraph("", table.words), rows(listed)]
    return found


def meaning(column: Column) -> str:
    """What a column says, what it may hold, and whether it may be missing."""
    words = [column.words]
    if column.allowed:
        words.append(f"One of: {', '.join(one or 'nothing' for one in column.allowed)}.")
    if column.nulls:
        words.append("May be missing.")
    return " ".join(words)


def rows(listed: list[list[str]]) -> nodes.table:
    """A table of docutils with a head; names of columns are code."""

    def row(first: nodes.Node, *others: str) -> nodes.row:
        cells = [first, *map(nodes.Text, others)]
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))

    head = nodes.thead("", row(nodes.Text("column"), "kind", "meaning"))
    body = nodes.tbody("", *(row(nodes.literal("", name), *others) for name, *others in listed))
    widths = [nodes.colspec(colwidth=width) for width in (3, 2, 8)]
    return nodes.table("", nodes.tgroup("", *widths, head, body, cols=len(widths)))
