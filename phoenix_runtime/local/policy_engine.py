"""The embedded policy engine where the Python environment has none: fetched once, pinned by hash.

It is an ordinary dependency from Python 3.14 on. Its metadata excludes older Pythons, on which it
runs as well (``opa-engine.txt``), so there pip fetches it into the data folder, the first time that
a runtime needs it; the Python environment stays as it is.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import Final

from phoenix_runtime.local.errors import LocalRuntimeError

PACKAGE: Final = "opa_bindings"
REQUIREMENTS: Final = Path(__file__).with_name("opa-engine.txt")
FLAGS: Final = (
    "--no-deps",
    "--ignore-requires-python",
    "--require-hashes",
    "--only-binary=:all:",
    "--no-cache-dir",
)
QUIET: Final = ("--quiet", "--disable-pip-version-check", "--no-input", "--retries=2")
ENVIRONMENT: Final = {
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_USER": "0",
    "PIP_ROOT_USER_ACTION": "ignore",
}
"""Settings of pip that would forbid a folder of one's own."""


class NoPolicyEngine(LocalRuntimeError):
    """There is no policy engine, and it could not be fetched."""

    reason = "POLICY_ENGINE_MISSING"


def is_installed() -> bool:
    """Tell whether the Python environment has the engine."""
    return util.find_spec(PACKAGE) is not None


class PolicyEngineFolder:
    """The engine in a data folder; each pin has a folder of its own there."""

    def __init__(self, data: Path) -> None:
        """Take the data folder."""
        pin = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
        self.path = data / f"policy-engine-{pin}"

    def is_there(self) -> bool:
        """Tell whether it was fetched before."""
        return (self.path / PACKAGE).is_dir()

    def import_path(self) -> Path | None:
        """Return the folder to import it from; None where the Python environment has it."""
        return None if is_installed() else self.path

    def command(self, target: Path) -> list[str]:
        """Return the command that fetches it into ``target``."""
        pip = [sys.executable, "-m", "pip", "install", *FLAGS]
        return [*pip, "--target", str(target), "--requirement", str(REQUIREMENTS)]

    def ensure(self, tell: Callable[[str], None]) -> bool:
        """Fetch it unless it is there; return whether it was fetched now.

        Raises `NoPolicyEngine`, with the reason and the lines that help.
        """
        if is_installed() or self.is_there():
            return False
        tell(f"fetching the policy engine (once, pinned by hash) into {self.path}")
        partial = self.path.with_name(f".{self.path.name}")
        try:
            shutil.rmtree(partial, ignore_errors=True)
            self._fetch(partial)
            self._remove()
            partial.rename(self.path)
        except OSError as error:
            raise self._missing(str(error)) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return True

    def advice(self) -> str:
        """Return what to do where the engine is there and is none."""
        other = "Or name an OPA of your own: phoenix-dma up --opa-url http://127.0.0.1:8181."
        if is_installed():
            pip = [sys.executable, "-m", "pip", "install", "--force-reinstall", *FLAGS]
            again = shlex.join([*pip, "--requirement", str(REQUIREMENTS)])
            return f"Install the engine again:\n  {again}\n{other}"
        line = f"rm -rf {shlex.quote(str(self.path))}"
        return f"Remove the engine, and the next start fetches it again:\n  {line}\n{other}"

    def _remove(self) -> None:
        """Remove what stands in its place and is no engine."""
        if self.path.is_dir() and not self.path.is_symlink():
            shutil.rmtree(self.path)
        else:
            self.path.unlink(missing_ok=True)

    def _fetch(self, target: Path) -> None:
        done = subprocess.run(
            [*self.command(target), *QUIET],
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise self._missing(_reason(done.stderr))
        if not (target / PACKAGE).is_dir():
            raise self._missing(f"what was fetched holds no {PACKAGE}")

    def _missing(self, reason: str) -> NoPolicyEngine:
        return NoPolicyEngine(
            f"there is no policy engine, so nothing could be decided: {reason}",
            {"path": self.path},
            remedy="With a package index that can be reached, `phoenix-dma up` fetches it. By hand,"
            f" also from a copy of the index:\n  {' '.join(self.command(self.path))}\n"
            "Or name an OPA of your own: phoenix-dma up --opa-url http://127.0.0.1:8181",
        )


def _reason(stderr: str) -> str:
    """Return pip's own word for it: its first error, else its last line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    reason = errors[0] if errors else lines[-1] if lines else "pip said nothing"
    unreachable = any("Retrying" in line for line in lines)
    return f"{reason} (the package index cannot be reached)" if unreachable else reason
