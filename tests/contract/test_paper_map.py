"""The paper map, and the page of what is survived, name modules and tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAP = ROOT / "docs" / "paper-map.md"
ROBUSTNESS = ROOT / "docs" / "robustness.md"


def named_paths(page: Path) -> list[str]:
    """Everything in backticks that looks like a path of this repository."""
    found = re.findall(r"`([\w./*-]+/[\w./*-]*)`", page.read_text())
    return sorted(
        {path for path in found if path.split("/")[0] in {p.name for p in ROOT.iterdir()}}
    )


@pytest.mark.parametrize("page", [MAP, ROBUSTNESS], ids=["paper map", "robustness"])
def test_every_path_on_the_page_exists(page: Path) -> None:
    paths = named_paths(page)
    assert len(paths) > 15, "the page was not read"
    missing = [p for p in paths if not list(ROOT.glob(p)) and not list(ROOT.glob(p + ".py"))]
    assert missing == []


def test_every_algorithm_table_and_figure_is_on_the_map() -> None:
    text = MAP.read_text()
    names = [f"Algorithm {n}" for n in range(1, 7)] + [f"Table {n}" for n in (3, 4, 5, 6)]
    names += ["Figure 1", "Figure 2", "Figure 3", "Appendix A", "Appendix B"]
    assert [name for name in names if name not in text] == []
