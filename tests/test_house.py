"""The house rules: floors, one outside library in one room, size bars, the public list."""

import ast
import re
from pathlib import Path

import pytest

import circle15

SOURCE = Path(circle15.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
FLOORS = {
    "errors": 1,
    "display": 1,
    "project": 2,
    "impedance": 2,
    "tables": 2,
    "sources": 3,
    "network": 3,
    "measures": 3,
    "siting": 3,
    "report": 4,
    "workbook": 4,
    "page": 4,
    "sheets": 4,
    "assessment": 4,
    "study": 5,
    "cli": 7,
    "tiles": 6,
    "__init__": 7,
    "__main__": 7,
}
WITHIN_FLOOR = {("tables", "impedance"), ("project", "impedance")}  # importer last: impedance stands on both records
ROOMS = {  # outside library -> the only rooms that may import it
    "osmnx": {"sources"},
    "osmium": {"sources"},
    "rasterio": {"sources"},
    "h3": {"sources"},
    "openpyxl": {"sources"},
    "xlsxwriter": {"workbook"},
    "matplotlib": {"sheets"},
    "pptx": {"sheets"},
    "rapidfuzz": {"sources"},
    "opening_hours": {"sources"},
    "numba": {"network"},
    "networkx": {"network"},
    "scipy.sparse.csgraph": {"network"},
    "scipy.optimize": {"siting"},
    "highspy": {"siting"},
    "folium": {"page", "report"},
    "branca": {"page", "report"},
    "jinja2": {"page", "report"},
    "xstatic": {"page"},
    "xyzservices": {"page"},
    "pydantic": {"project"},
    "typer": {"cli"},
    "rich": {"cli"},
    "dask": {"tiles"},
    "distributed": {"tiles"},
    **{name: set() for name in ("IPython", "ipykernel", "ipywidgets", "tqdm")},  # whoever wants them brings them
}
FROM_FLOOR_TWO = ("numpy", "pandas", "geopandas", "shapely", "pyproj", "scipy")
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "base", "manager"}
MOST_LINES, MOST_CODE_LINES, MOST_PARAMETERS = 600, 60, 6


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    start = first.end_lineno + 1 if documented else first.lineno
    return max(0, function.end_lineno - start + 1)


@pytest.fixture(params=FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def parsed(request):
    return request.param, ast.parse(request.param.read_text(encoding="utf-8"))


def test_arrows_go_down_only(parsed):
    path, tree = parsed
    here = room(path)
    for name in imported(tree):
        if not name.startswith("circle15."):
            continue
        there = name.split(".")[1]
        if there == here or there not in FLOORS:
            continue
        down = FLOORS[there] < FLOORS[here] or (there, here) in WITHIN_FLOOR
        assert down, f"{path.name} ({here}) imports {name} ({there}), which is not below it"


def test_every_room_has_a_floor():
    assert {room(path) for path in FILES} <= set(FLOORS)


def test_one_outside_library_in_one_room(parsed):
    path, tree = parsed
    for name in imported(tree):
        for library, rooms in ROOMS.items():
            if name == library or name.startswith(library + "."):
                who = ", ".join(sorted(rooms)) or "nobody"
                assert room(path) in rooms, f"{path.name} imports {library}; only {who} may"
        if name.split(".")[0] in FROM_FLOOR_TWO:
            assert FLOORS[room(path)] >= 2


def test_size_bars(parsed):
    path, tree = parsed
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{path.name} has {lines} lines"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert code_lines(node) <= MOST_CODE_LINES, f"{path.name}: {node.name} has {code_lines(node)} code lines"
            taken = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            count = len([name for name in taken if name not in ("self", "cls")])
            verb = room(path) == "cli"  # a verb's parameters are the flags of the command line
            assert count <= MOST_PARAMETERS or verb, f"{path.name}: {node.name} takes {count} parameters"


def test_no_vague_names():
    for path in FILES:
        assert not FORBIDDEN_NAMES & {part.removesuffix(".py") for part in path.relative_to(SOURCE).parts}


def test_public_list_is_true():
    assert list(circle15.__all__) == sorted(circle15.__all__, key=str.lower)
    for name in circle15.__all__:
        assert getattr(circle15, name) is not None
    assert set(circle15.__all__) <= set(dir(circle15))


def test_nothing_in_the_source_knows_a_city():
    for path in FILES:
        assert not re.search(
            r"渝中|Yuzhong(?!-15min)", re.sub(r'"""[\s\S]*?"""', "", path.read_text(encoding="utf-8"))
        ), path


def test_no_address_of_this_machine_or_of_a_registry():
    root = SOURCE.parents[1]
    for path in [*root.glob("*.*"), *root.rglob(".ci/*"), *FILES]:
        if path.name == ".coverage":  # what a run before this one left; no text
            continue
        if path.is_file() and path.suffix in {".py", ".toml", ".md", ".txt", ".cff", ""}:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"simple[/]|files[.]python[h]osted|--index[-]url|registry[.]", text), path
            assert f"{root.parent}/" not in text, path
            assert f"{Path.home()}/" not in text, path
