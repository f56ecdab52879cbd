"""The clients of this folder: what each needs, how it is built, and how it is run."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from phoenix_dma.nearest import did_you_mean

HERE: Final = Path(__file__).parent
VECTORS: Final = HERE.parents[1] / "tests" / "vectors"


class NotBuilt(Exception):
    """A build, or a client's check of the vectors, failed; the text is the end of what it said."""


class UnknownLanguage(Exception):
    """There is no client of that name; the text names those that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One client; commands run in its folder."""

    name: str
    runs: tuple[str, ...]
    builds: tuple[tuple[str, ...], ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    """The programs that the machine has to have, and what brings each."""
    fetches: tuple[str, ...] = ()
    """Run where ``fetched`` is missing or older than ``locked``: a repetition fetches nothing."""
    fetched: str = ""
    locked: str = ""

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
        path = environment()["PATH"]
        return [program for program in self.needs if shutil.which(program, path=path) is None]

    def skipped(self) -> str:
        """One line that says what the machine lacks and what brings it; empty: it lacks nothing."""
        missing = self.missing()
        if not missing:
            return ""
        brings = dict.fromkeys(self.needs[program] for program in missing)
        lacks = " and no ".join(missing)
        return f"{self.name}: skipped, no {lacks} on the PATH; install {' and '.join(brings)}"

    async def build(self) -> None:
        """Build it and check its vectors; raises `NotBuilt`."""
        commands = (self.fetches, *self.builds) if self._must_fetch() else self.builds
        for command in (*commands, (*self.runs, "vectors", str(VECTORS))):
            code, said = await run(command, self.folder)
            if code:
                raise NotBuilt(
                    f"{self.name}: {' '.join(command)} ended with {code}\n{said[-2000:]}"
                )

    def _must_fetch(self) -> bool:
        if not self.fetches:
            return False
        fetched = self.folder / self.fetched
        locked = self.folder / self.locked
        return not fetched.exists() or fetched.stat().st_mtime < locked.stat().st_mtime


async def run(command: Sequence[str], folder: Path) -> tuple[int, str]:
    """The exit code of a command, and what it said; cancelled, it ends what it started."""
    starting = asyncio.create_task(_started(command, folder))
    try:
        # Cancelled in the middle of its start, only the program itself would be ended.
        process = await asyncio.shield(starting)
        said, _ = await process.communicate()
    finally:
        process = await starting
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace").strip()


async def _started(command: Sequence[str], folder: Path) -> Process:
    return await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment(), stdout=PIPE, stderr=STDOUT, start_new_session=True
    )


def environment() -> dict[str, str]:
    """What builds run with: this environment's own programs, for buf, and one job at a time."""
    own = str(Path(sys.executable).parent)
    path = os.pathsep.join([own, os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "CARGO_BUILD_JOBS": "1"}


def named(names: Sequence[str]) -> list[Language]:
    """The languages of these names, each once; all of them for none. Raises `UnknownLanguage`."""
    known = {language.name: language for language in LANGUAGES}
    for name in names:
        if name not in known:
            raise UnknownLanguage(
                f"there is no client in {name!r}{did_you_mean(name, known)}"
                f" (languages: {', '.join(known)})"
            )
    return [known[name] for name in dict.fromkeys(names)] or list(LANGUAGES)


LANGUAGES: Final = (
    Language(name="python", runs=(sys.executable, "agent.py")),
    Language(
        name="go",
        needs={"go": "Go 1.26 or newer", "buf": "buf (make venv)"},
        builds=(
            ("go", "build", "-p", "1", "-o", "build/", "tool"),
            ("buf", "generate"),
            ("go", "build", "-p", "1", "-o", "build/agent", "."),
        ),
        runs=("build/agent",),
    ),
    Language(
        name="java",
        needs={
            "java": "a JDK, 17 or newer",
            "javac": "a JDK, 17 or newer",
            "mvn": "Maven 3.6 or newer",
        },
        builds=(("mvn", "--quiet", "--batch-mode", "package"),),
        runs=("java", "-cp", "target/classes:target/lib/*", "agent.Main"),
    ),
    Language(
        name="rust",
        needs={"cargo": "Rust", "cc": "a C compiler (cc), which links Rust's programs"},
        builds=(("cargo", "build", "--quiet", "--locked"),),
        runs=("target/debug/phoenix-dma-agent",),
    ),
    Language(
        name="typescript",
        needs={
            "node": "Node.js 20 or newer, with npm",
            "npm": "Node.js 20 or newer, with npm",
        },
        builds=(("npm", "run", "build"),),
        runs=("node", "build/src/agent.js"),
        fetches=("npm", "ci", "--no-audit", "--no-fund"),
        fetched="node_modules/.package-lock.json",
        locked="package-lock.json",
    ),
)
