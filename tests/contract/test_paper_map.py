"""Pages that name modules and tests name those that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAP = ROOT / "docs" / "paper-map.md"
WALK = sorted((ROOT / "docs" / "architecture").glob("*.md"))
PAGES = [MAP, ROOT / "docs" / "robustness.md", ROOT / "CONTRIBUTING.md", *WALK]
SUBJECTS = [
    "sessions-and-leases",
    "assignment",
    "handoff",
    "retirement",
    "audit-and-outbox",
    "discovery",
    "engine",
    "policy",
]


def named_paths(page: Path) -> list[str]:
    """Everything in backticks that looks like a path of this repository."""
    found = re.findall(r"`([\w./*-]+/[\w./*-]*)`", page.read_text())
    return sorted(
        {path for path in found if path.split("/")[0] in {p.name for p in ROOT.iterdir()}}
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_path_on_the_page_exists(page: Path) -> None:
    paths = named_paths(page)
    assert len(paths) >= 4, "the page was not read"
    missing = [p for p in paths if not list(ROOT.glob(p)) and not list(ROOT.glob(p + ".py"))]
    assert missing == []


def test_every_algorithm_table_and_figure_is_on_the_map() -> None:
    text = MAP.read_text()
    names = [f"Algorithm {n}" for n in range(1, 7)] + [f"Table {n}" for n in (3, 4, 5, 6)]
    names += ["Figure 1", "Figure 2", "Figure 3", "Appendix A", "Appendix B"]
    assert [name for name in names if name not in text] == []


def test_the_walk_has_a_page_for_each_subsystem_with_a_diagram_and_what_can_fail() -> None:
    assert {page.stem for page in WALK} == {"README", *SUBJECTS}
    for page in WALK:
        text = page.read_text()
        links = re.findall(r"\]\(([\w./-]+\.md)\)", text)
        assert [link for link in links if not (page.parent / link).exists()] == []
        if page.stem in SUBJECTS:
            assert "```mermaid" in text
            assert "## What can fail" in text
