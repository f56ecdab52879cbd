"""One environment a framework, under ``.frameworks``, from a lock with hashes in ``locks``.

They do not all fit into one: some pin what the server pins otherwise. ``python -m
tests.frameworks.environments lock [name …]`` writes the locks anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
LOCKS: Final = ROOT / "tests" / "frameworks" / "locks"
ENVIRONMENTS: Final = ROOT / ".frameworks"
OLDEST: Final = "3.11"
NAMES: Final = tuple(sorted(file.stem for file in LOCKS.glob("*.txt")))
"""The extras that have an environment of their own; the others' are in the main one."""


def python_of(name: str) -> Path:
    """The interpreter of a framework's environment."""
    return ENVIRONMENTS / name / "bin" / "python"


def make(name: str) -> None:
    """Make a framework's environment, unless it is as its lock says."""
    lock, done = LOCKS / f"{name}.txt", ENVIRONMENTS / name / "lock.txt"
    if done.exists() and done.read_text() == lock.read_text():
        return
    print(f"making .frameworks/{name}", flush=True)
    environment = ENVIRONMENTS / name
    uv("venv", "--clear", "--no-project", "--python", sys.executable, str(environment))
    install = ("pip", "install", "--python", str(python_of(name)))
    uv(*install, "--require-hashes", "--requirements", str(lock))
    uv(*install, "--no-deps", "--editable", str(ROOT))
    done.write_text(lock.read_text())


def lock(name: str) -> None:
    """Write what an extra resolves to, with hashes, for every Python that we run on."""
    options = ("--extra", name, "--universal", "--python-version", OLDEST, "--generate-hashes")
    target = LOCKS / f"{name}.txt"
    quiet = ("--no-annotate", "--no-header", "--upgrade")
    uv("pip", "compile", "pyproject.toml", *options, *quiet, "--output-file", str(target))


def uv(*arguments: str) -> None:
    """Run uv by the index that pip is configured with; raises CalledProcessError."""
    command = [str(Path(sys.executable).with_name("uv")), "--quiet", "--no-config", *arguments]
    subprocess.run(command, cwd=ROOT, env=uv_environment(), check=True)


def uv_environment() -> dict[str, str]:
    """The environment, with pip's index and certificates for uv where it has none of its own."""
    made = dict(os.environ)
    settings = {"UV_DEFAULT_INDEX": "index-url", "UV_INDEX": "extra-index-url"}
    for variable, setting in {**settings, "SSL_CERT_FILE": "cert"}.items():
        value = os.environ.get(f"PIP_{setting.replace('-', '_').upper()}") or _pip(setting)
        if value and variable not in made:
            made[variable] = value
    return made


def _pip(setting: str) -> str:
    asked = [sys.executable, "-m", "pip", "config", "get", f"global.{setting}"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def main(arguments: Sequence[str]) -> None:
    """Write locks: of the extras named, or of all that have one."""
    if not arguments or arguments[0] != "lock":
        raise SystemExit("python -m tests.frameworks.environments lock [name …]")
    for name in arguments[1:] or NAMES:
        lock(name)


if __name__ == "__main__":
    main(sys.argv[1:])
