"""Files, functions and folders stay small enough to be read (style rules)."""

import ast
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES = 300
FUNCTION_LINES = 40
FOLDER_MODULES = 22


def modules() -> list[Path]:
    """Every Python file that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines() if (ROOT / name).exists()]


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """Name and length in lines of each function of ``file``, nested ones too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.fixture(scope="module")
def files() -> list[Path]:
    found = modules()
    assert len(found) > 100
    return found


def test_no_file_is_longer_than_can_be_read_at_once(files: list[Path]) -> None:
    lengths = {str(f.relative_to(ROOT)): len(f.read_text().splitlines()) for f in files}
    assert {name: n for name, n in lengths.items() if n > FILE_LINES} == {}


def test_no_function_is_longer_than_a_screen(files: list[Path]) -> None:
    found = {
        f"{file.relative_to(ROOT)}:{name}": length
        for file in files
        for name, length in functions(file)
        if length > FUNCTION_LINES
    }
    assert found == {}


def test_no_folder_has_more_modules_than_a_reader_can_hold(files: list[Path]) -> None:
    counts = Counter(file.parent.relative_to(ROOT) for file in files)
    assert {str(folder): n for folder, n in counts.items() if n > FOLDER_MODULES} == {}
