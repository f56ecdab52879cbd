"""``make test-frameworks``: each framework's environment, and the tests over it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from tests.frameworks.environments import NAMES, ROOT, make

CHOSEN: Final = "PHOENIX_DMA_TEST_FRAMEWORKS"
"""The variable by which the tests of the contract know the frameworks that were chosen."""
FOLDER: Final = ROOT / "tests" / "frameworks"
BESIDE: Final = sorted(
    {file.parent.name for file in FOLDER.glob("*/test_*.py")} - {"contract"} - set(NAMES)
)
"""The frameworks of the main environment, which have tests of their own."""


def main(arguments: Sequence[str]) -> int:
    """Run the tests of the frameworks named, or of all; options go to pytest."""
    first = next((n for n, one in enumerate(arguments) if one.startswith("-")), len(arguments))
    known = [*NAMES, *BESIDE]
    names, options = list(arguments[:first]) or known, arguments[first:]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise SystemExit(f"no framework {', '.join(unknown)}; there are {', '.join(known)}")
    apart = [name for name in names if name in NAMES]
    for name in apart:
        make(name)
    paths = [f"tests/frameworks/{name}" for name in names if name in BESIDE]
    paths += ["tests/frameworks/contract"] if apart else []
    pytest = [sys.executable, "-m", "pytest", *paths, *options]
    environment = {**os.environ, CHOSEN: ",".join(apart)}
    return subprocess.run(pytest, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
