"""The lower bounds of pyproject.toml as a constraints file: ``python tests/lowest.py > lowest.txt``."""

import re
import sys
import tomllib
from pathlib import Path

BESIDE = ("dev", "docs", "notebook")  # tools around circle15: nothing in it imports them


def lowest(pyproject: Path) -> list[str]:
    """Each library that circle15 or one of its extras asks for, at the oldest version that it says will do."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = project["dependencies"] + [one for name, some in extras.items() if name not in BESIDE for one in some]
    found = set()
    for one in asked:
        match = re.fullmatch(r"([\w.-]+)>=([\d.]+)", one)
        if match is None:
            message = f"{one}: every dependency has one lower bound, name>=version, and nothing else"
            raise SystemExit(message)
        found.add("{}=={}".format(*match.groups()))
    return sorted(found, key=str.lower)


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest(Path(__file__).resolve().parents[1] / "pyproject.toml")) + "\n")
