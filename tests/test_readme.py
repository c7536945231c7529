"""What the README shows has to run as it stands."""

import contextlib
import io
import re
from pathlib import Path

from circle15 import cli

PROJECT = Path(__file__).resolve().parents[1]


def test_the_python_of_the_readme_runs():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})  # noqa: S102  our own file
    assert "served" in printed.getvalue()


def test_the_readme_lists_the_verbs_that_there_are():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `circle15 (\w+)", text, flags=re.MULTILINE))
    assert listed == {command.name or command.callback.__name__ for command in cli.app.registered_commands}


def test_the_commands_of_the_readme_are_in_the_makefile():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", text, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
    assert "make test" in (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
