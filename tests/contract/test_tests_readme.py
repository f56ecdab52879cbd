"""What tests/README.md names is there: tests to copy, fixtures, packages of the support."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
README = (TESTS / "README.md").read_text()
FIXTURE = re.compile(r"\.fixture(?:\([^)]*\))?\n(?:async )?def (\w+)\(")


def rows(section: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    text = README.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split(" | ")] for line in lines[2:]]


def test_every_test_to_copy_is_there() -> None:
    named = {row[2].strip("`") for row in rows("You want to test …")}
    assert len(named) > 20
    assert sorted(name for name in named if not (TESTS / name).exists()) == []


def test_every_fixture_is_there() -> None:
    sources = [path.read_text() for path in TESTS.rglob("*.py")]
    known = {name for source in sources for name in FIXTURE.findall(source)}
    functions = {name for source in sources for name in re.findall(r"def (\w+)\(", source)}
    asked = {name for row in rows("You want to test …") for name in re.findall(r"`(\w+)`", row[1])}
    classes = {name for name in asked if name[0].isupper()}
    assert sorted(asked - known - functions - classes) == []


def test_every_package_of_the_support_is_described() -> None:
    packages = {path.parent.name for path in (TESTS / "support").glob("*/__init__.py")}
    assert {row[0].strip("`") for row in rows("`support`")} == packages - {"sample"}
