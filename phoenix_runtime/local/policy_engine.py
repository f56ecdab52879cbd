"""Installs the embedded policy engine; ``opa-engine.txt`` says why no extra can name it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from importlib import util
from pathlib import Path
from typing import Final

from phoenix_runtime.local.errors import LocalRuntimeError

PACKAGE: Final = "opa_bindings"
REQUIREMENTS: Final = Path(__file__).with_name("opa-engine.txt")
FLAGS: Final = ("--quiet", "--no-deps", "--ignore-requires-python", "--require-hashes")


def is_installed() -> bool:
    """Tell whether this environment has the engine."""
    return util.find_spec(PACKAGE) is not None


def install() -> None:
    """Install the pinned engine into this environment through pip.

    Raises `LocalRuntimeError` with pip's last line, and what to do instead, where pip fails.
    """
    command = [sys.executable, "-m", "pip", "install", *FLAGS, "--requirement", str(REQUIREMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise LocalRuntimeError(
            f"the embedded policy engine could not be installed: {reason}\n"
            f"Install it by hand (`{' '.join(command)}`), or name an OPA of your own: --opa-url"
        )
    importlib.invalidate_caches()
