"""Which extras resolve, alone and together, for each Python: a table for docs/frameworks/README.md.

``python -m tests.frameworks.together`` asks uv for every pair and writes the table; nothing is
installed. Extras have lower bounds, so that uv cannot fall back to an ancient release.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.frameworks.environments import ROOT, uv_environment

PAGE: Final = ROOT / "docs" / "frameworks" / "README.md"
PYTHONS: Final = ("3.11", "3.12", "3.13")
BEGIN: Final = "<!-- together: python -m tests.frameworks.together -->\n"
END: Final = "<!-- end of together -->\n"
LEFT_OUT: Final = frozenset({"examples"})
TRIES: Final = 2
"""At a time: each is a process that waits for an index."""


def extras() -> list[str]:
    """The extras that pyproject.toml declares, the server's first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = sorted(
        set(project["optional-dependencies"]) - LEFT_OUT, key=lambda x: (x != "server", x)
    )
    return list(found)


def resolves(chosen: tuple[str, ...], python: str) -> str:
    """Empty where the extras resolve together, else what uv says against it."""
    options = [part for extra in chosen for part in ("--extra", extra)]
    command = [str(Path(sys.executable).with_name("uv")), "--quiet", "--no-config"]
    command += ["pip", "compile", "pyproject.toml", *options, "--python-version", python]
    ended = subprocess.run(
        command, cwd=ROOT, env=uv_environment(), capture_output=True, text=True, check=False
    )
    return "" if ended.returncode == 0 else re.sub(r"\s+", " ", ended.stderr)


def table() -> str:
    """The table, a row an extra, with the Pythons on which a pair does not resolve."""
    names = extras()
    pairs = [tuple(sorted({a, b})) for a, b in itertools.combinations_with_replacement(names, 2)]
    tries = [(pair, python) for pair in pairs for python in PYTHONS]
    with ThreadPoolExecutor(TRIES) as pool:
        refusals = dict(zip(tries, pool.map(lambda one: resolves(*one), tries), strict=True))
    lines = [f"| | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    for row in names:
        cells = [_cell(tuple(sorted({row, column})), refusals) for column in names]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(pair: tuple[str, ...], refusals: dict[tuple[tuple[str, ...], str], str]) -> str:
    refused = [python for python in PYTHONS if refusals[pair, python]]
    if not refused:
        return "yes"
    return "no" if len(refused) == len(PYTHONS) else f"not on {', '.join(refused)}"


def main() -> None:
    """Write the table into the page, between its marks."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}")


if __name__ == "__main__":
    main()
