"""Every notebook runs from a clean kernel without a word on standard error, makes pictures, is kept without them."""

import importlib.util
import json
import re
import shutil
from pathlib import Path

import pytest

from circle15.errors import SourceError
from circle15.sheets.letters import Letters
from conftest import IN_CI, REAL_DATA

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
OF_A_KERNEL = ("kernelspec", "language_info")  # all that a notebook's metadata may hold
SECONDS = 600  # for one cell, on a machine that many share


def cells(path, kind):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def test_there_are_eight_and_the_readme_leads_to_them():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"0{number}" for number in range(1, 9)]
    assert "](notebooks)" in (FOLDER.parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_without_outputs(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert set(notebook["metadata"]) <= set(OF_A_KERNEL)
    assert set(notebook["metadata"]["kernelspec"].values()) == {"Python 3", "python", "python3"}
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        assert cell["metadata"] == {}
    assert path.stat().st_size < 40_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_says_where_its_data_come_from_and_what_to_keep_in_mind(path):
    words = "\n".join(source(cell) for cell in cells(path, "markdown"))
    assert re.search(r"\*\*synthetic\*\*|\*synthetic twin\*", words, flags=re.IGNORECASE)
    assert "keep in mind" in words
    assert source(cells(path, "markdown")[0]).startswith(f"# {path.stem[:2]} · ")


def test_nothing_private_is_shown():
    for path in NOTEBOOKS:
        for cell in cells(path, "code"):
            assert not re.search(r"import _|\._[a-z]", source(cell)), f"{path.name} reaches into the library"


@pytest.fixture(scope="session")
def jupyter():
    """What runs notebooks; a font for their pictures. Missing is a failure in CI and a skip elsewhere."""
    absent = [name for name in ("nbclient", "ipykernel") if importlib.util.find_spec(name) is None]
    problem = f"{' and '.join(absent)} are not installed" if absent else ""
    try:
        Letters.found("步行缺口渝")
    except SourceError:
        problem = problem or "no font with Chinese letters is installed"
    if problem and IN_CI:
        pytest.fail(problem)
    if problem:
        pytest.skip(problem)


def executed(path, folder):
    """Run a notebook in a folder, by a kernel of its own."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def kept(notebook):
    """Nothing was said on standard error, and pictures were made."""
    said = [output.text for output in outputs(notebook) if output.output_type == "stream" and output.name == "stderr"]
    assert said == []
    shown = [output.data for output in outputs(notebook) if output.output_type in ("display_data", "execute_result")]
    assert sum("image/png" in data for data in shown) >= 1
    return shown


@pytest.mark.usefixtures("jupyter")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of what runs the kernels
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_a_clean_kernel(path):
    if "shared/data" in path.read_text(encoding="utf-8") and not REAL_DATA.is_dir() and IN_CI:
        pytest.fail(f"the real extracts are missing: {REAL_DATA}")
    shown = kept(executed(path, FOLDER))
    if path.stem.startswith("01"):  # the live map shows itself
        assert any("srcdoc=" in data.get("text/html", "") for data in shown)


@pytest.mark.usefixtures("jupyter")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize(
    "path", [path for path in NOTEBOOKS if path.name[:2] in ("03", "08")], ids=lambda path: path.stem
)
def test_it_runs_where_there_is_no_real_extract_and_says_so(path, tmp_path):
    copied = tmp_path / "away" / "notebooks"
    copied.mkdir(parents=True)
    shutil.copy(path, copied)
    notebook = executed(copied / path.name, copied)
    kept(notebook)
    assert any("SYNTHETIC" in output.text for output in outputs(notebook) if output.output_type == "stream")
