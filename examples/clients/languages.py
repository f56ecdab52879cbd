"""The clients of this folder: what each needs, how it is built, and how it is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
VECTORS: Final = HERE.parents[1] / "tests" / "vectors"


class NotBuilt(Exception):
    """A build, or a client's check of the vectors, failed; the text is the end of what it said."""


@dataclass(frozen=True, slots=True)
class Language:
    """One client. Commands run in its folder; the machine has to have the programs of ``needs``."""

    name: str
    needs: tuple[str, ...]
    builds: tuple[tuple[str, ...], ...]
    runs: tuple[str, ...]
    fetches: tuple[str, ...] = ()
    """Run once, while ``fetched`` is missing: a build that is repeated asks no registry."""
    fetched: str = ""

    @property
    def folder(self) -> Path:
        """Where it is."""
        return HERE / self.name

    @property
    def agent(self) -> str:
        """The id of its agent."""
        return f"agent.in-{self.name}"

    def missing(self) -> list[str]:
        """The programs that this machine lacks."""
        return [program for program in self.needs if shutil.which(program, path=PATH) is None]

    def build(self) -> None:
        """Build it and check its vectors; raises `NotBuilt`."""
        fetch = self.fetches and not (self.folder / self.fetched).exists()
        commands = (self.fetches, *self.builds) if fetch else self.builds
        for command in (*commands, (*self.runs, "vectors", str(VECTORS))):
            done = subprocess.run(
                command, cwd=self.folder, env=environment(), capture_output=True, check=False
            )
            if done.returncode:
                said = (done.stdout + done.stderr).decode(errors="replace").strip()
                raise NotBuilt(f"{' '.join(command)}\n{said[-2000:]}")


PATH: Final = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
"""With this environment's own programs, for buf."""


def environment() -> Mapping[str, str]:
    """What builds run with: one job at a time, so that they leave the machine usable."""
    return {**os.environ, "PATH": PATH, "CARGO_BUILD_JOBS": "1"}


LANGUAGES: Final = (
    Language(name="python", needs=(), builds=(), runs=(sys.executable, "agent.py")),
    Language(
        name="go",
        needs=("go", "buf"),
        builds=(
            ("go", "build", "-p", "1", "-o", "build/", "tool"),
            ("buf", "generate"),
            ("go", "build", "-p", "1", "-o", "build/agent", "."),
        ),
        runs=("build/agent",),
    ),
    Language(
        name="java",
        needs=("java", "mvn"),
        builds=(("mvn", "--quiet", "--batch-mode", "package"),),
        runs=("java", "-cp", "target/classes:target/lib/*", "agent.Main"),
    ),
    Language(
        name="rust",
        needs=("cargo",),
        builds=(("cargo", "build", "--quiet", "--locked"),),
        runs=("target/debug/phoenix-dma-agent",),
    ),
    Language(
        name="typescript",
        needs=("node", "npm"),
        builds=(("npm", "run", "build"),),
        runs=("node", "build/src/agent.js"),
        fetches=("npm", "ci", "--no-audit", "--no-fund"),
        fetched="node_modules",
    ),
)
