"""Generate the typed stubs in ``phoenix_dma/v1`` from ``protos/phoenix_dma/v1/*.proto``.

Called by the build (``hatch_build.py``), where the generator's requirements are installed, and by
``make stubs`` (``python build_stubs.py``), where they are not: grpcio-tools 1.71 needs an older
protobuf than the runtime uses. There the generator runs in a small environment of its own,
``.venv-stubs``, made on first use.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import tomllib
from importlib import util
from pathlib import Path

PACKAGE = Path("phoenix_dma/v1")
TOOLS = Path(".venv-stubs")
MARKER = "__init__.py"
"""Written last, so it is newer than every proto exactly when the stubs are fresh."""


def protos_of(root: Path) -> list[Path]:
    """Return the contract's files below ``root``, sorted."""
    return sorted((root / "protos" / PACKAGE).glob("*.proto"))


def is_fresh(root: Path) -> bool:
    """Tell whether the stubs are newer than every proto and this generator."""
    marker = root / PACKAGE / MARKER
    if not marker.exists():
        return False
    sources = [*protos_of(root), root / "protos" / PACKAGE, root / "build_stubs.py"]
    return all(source.stat().st_mtime <= marker.stat().st_mtime for source in sources)


def generate(root: Path) -> None:
    """Write the stubs; raise ``CalledProcessError`` when protoc refuses a file."""
    target = root / PACKAGE
    with tempfile.TemporaryDirectory() as scratch:
        if protos_of(root):
            run_protoc(root, Path(scratch))
        install(Path(scratch) / PACKAGE, target)


def install(fresh: Path, target: Path) -> None:
    """Put compiled stubs into place, one atomic rename each, and remove those of deleted protos."""
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(fresh.glob("*")):
        partial = target / f".{file.name}"
        shutil.copyfile(file, partial)
        partial.replace(target / file.name)
    for file in target.glob("*_pb2*"):
        if not (fresh / file.name).exists():
            file.unlink()
    (target / MARKER).write_text('"""Generated from protos/phoenix_dma/v1: do not edit."""\n')


def run_protoc(root: Path, output: Path) -> None:
    """Compile every proto: messages, services, and their types (grpc.aio included)."""
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={root / 'protos'}"]
    command += [f"--proto_path={well_known_protos()}"]
    command += [f"--{kind}_out={output}" for kind in ("python", "mypy", "grpc_python", "mypy_grpc")]
    command += [f"--plugin=protoc-gen-{name}={plugin(name)}" for name in ("mypy", "mypy_grpc")]
    command += map(str, protos_of(root))
    # The plugins list every file they write on stderr, beside what matters: shown only on failure.
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        done.check_returncode()


def well_known_protos() -> Path:
    """Return the folder of ``google/protobuf``; ``google/api`` stands beside the contract."""
    tools = util.find_spec("grpc_tools")
    if tools is None or tools.origin is None:
        raise ModuleNotFoundError("grpcio-tools is needed to build")
    return Path(tools.origin).parent / "_proto"


def plugin(name: str) -> str:
    """Return where the protoc plugin of that name is: beside this interpreter, or on the path."""
    program = f"protoc-gen-{name}"
    beside = Path(sys.executable).with_name(program)
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        raise FileNotFoundError(f"{program} is not installed: mypy-protobuf is needed to build")
    return found


def has_generator() -> bool:
    """Tell whether this interpreter can generate."""
    return util.find_spec("grpc_tools") is not None and util.find_spec("mypy_protobuf") is not None


def prepare_tools(root: Path) -> Path:
    """Make the generator's own environment if it is missing; return its interpreter."""
    python = root / TOOLS / "bin" / "python"
    ready = root / TOOLS / "ready"
    if ready.exists() and ready.stat().st_mtime >= (root / "pyproject.toml").stat().st_mtime:
        return python
    requirements = tomllib.loads((root / "pyproject.toml").read_text())["build-system"]["requires"]
    venv = [sys.executable, "-m", "venv", "--clear", "--without-pip"]
    subprocess.run([*venv, root / TOOLS], check=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(python), "install"]
    subprocess.run([*pip, *requirements], check=True)
    ready.touch()
    return python


def main() -> int:
    """Generate unless fresh (``--force``: always); return the exit code."""
    root = Path(__file__).resolve().parent
    if is_fresh(root) and "--force" not in sys.argv:
        return 0
    if has_generator():
        generate(root)
        print(f"{PACKAGE}: generated from {len(protos_of(root))} protos")
        return 0
    again = [str(prepare_tools(root)), __file__, "--force"]
    return subprocess.run(again, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
