"""Build the site with warnings as errors, and hold every link of it.

Usage: python docs/site/build.py out/docs
"""

import subprocess
import sys
from pathlib import Path

from links import LISTED, links

HERE = Path(__file__).resolve().parent


def build(site: Path) -> int:
    """Build into a folder; the exit code."""
    words = ["-W", "--keep-going", "-q", "-E", "-b", "html", "-d", str(site.with_name(f"{site.name}-trees"))]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *words, "-c", str(HERE), str(HERE.parent), str(site)], check=False
    )
    if done.returncode:
        return done.returncode
    broken, outside = links(site)
    (site / LISTED).write_text("".join(f"{address}\n" for address in sorted(outside)), encoding="utf-8")
    print("\n".join([*broken, f"{site / 'index.html'}: {len(broken)} broken links, {len(outside)} addresses outside"]))
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1])))
