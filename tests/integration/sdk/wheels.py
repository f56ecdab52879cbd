"""The project as its users install it: a wheel, in a fresh environment that uv makes."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment with the wheel in it."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def command(self) -> str:
        return str(self.folder / "bin" / "phoenix-dma")

    def packages(self) -> dict[str, str]:
        """Versions by name of everything that is installed."""
        listed = uv("pip", "list", "--format", "freeze", "--python", self.python)
        pinned = (line.partition("==") for line in listed.splitlines() if "==" in line)
        return {name.lower(): version for name, _, version in pinned}


def uv(*arguments: str) -> str:
    done = subprocess.run(
        [UV, "--quiet", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def build_wheel(folder: Path) -> Path:
    """The wheel, built from the source distribution."""
    uv("build", "--python", sys.executable, "--out-dir", str(folder))
    (wheel,) = folder.glob("*.whl")
    return wheel


def locked_versions(folder: Path, *options: str) -> Path:
    """A file that keeps an installation to what is locked."""
    file = folder / "locked.txt"
    uv("export", "--locked", "--offline", "--no-dev", "--no-emit-project", "--no-hashes",
       *options, "--output-file", str(file))  # fmt: skip
    return file


def install(folder: Path, *arguments: str) -> Environment:
    """A fresh environment with what ``uv pip install`` makes of the arguments."""
    uv("venv", "--python", sys.executable, str(folder))
    made = Environment(folder)
    uv("pip", "install", "--python", made.python, *arguments)
    return made
