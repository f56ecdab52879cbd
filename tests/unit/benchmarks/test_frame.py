"""What the benchmark says of what it measured: percentiles, laws, bars, absent peers."""

from __future__ import annotations

import io
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.console import Console

from tests.benchmarks.catalogue import FAMILIES
from tests.benchmarks.frame.figures import (
    Family,
    Figure,
    Peer,
    Run,
    at_least,
    at_most,
    part_of_peer,
    shown,
    times_peer,
)
from tests.benchmarks.frame.growth import growth_of
from tests.benchmarks.frame.load import Timings, drive
from tests.benchmarks.frame.measuring import measured
from tests.benchmarks.frame.table import COLUMNS, cells, markdown, record, table
from tests.benchmarks.peers import programs

SIZES = (10, 100, 1_000, 10_000)


def figure(value: float = 100.0, **changes: object) -> Figure:
    made = {"what": "a row", "value": value, "unit": "tasks/s", "family": "cycle", **changes}
    return Figure(**made)  # type: ignore[arg-type]


def test_percentiles_are_of_the_calls_and_the_rate_is_of_the_whole_time() -> None:
    timings = Timings([number / 1000 for number in range(1, 101)], took=4.0)
    assert timings.rate == 25
    assert timings.milliseconds(0.5) == 51
    assert timings.milliseconds(0.99) == 100


async def test_load_ends_after_the_calls_that_were_asked_for() -> None:
    made: list[int] = []

    async def call() -> None:
        made.append(1)

    timings = await drive([call] * 3, count=10)
    assert timings.count == len(made) == 10


async def test_a_refused_call_ends_the_load_with_its_refusal() -> None:
    async def refused() -> None:
        raise LookupError("no")

    with pytest.raises(LookupError):
        await drive([refused] * 3, count=10)


@pytest.mark.parametrize(
    ("law", "cost"),
    [
        ("O(1)", lambda n: 5.0),
        ("O(1)", lambda n: 5.0 + n / 20_000),
        ("O(log n)", lambda n: 1.0 + math.log(n)),
        ("O(n)", lambda n: 3.0 + 0.02 * n),
        ("O(n²)", lambda n: 1.0 + n * n),
    ],
)
def test_the_law_by_which_a_cost_grows_is_found(law: str, cost: object) -> None:
    assert callable(cost)
    found = growth_of(SIZES, [cost(size) for size in SIZES])
    assert found.law == law


def test_a_little_noise_does_not_turn_one_law_into_the_next() -> None:
    noise = (1.03, 0.98, 1.02, 0.99)
    line = [(4 + 0.1 * size) * off for size, off in zip(SIZES, noise, strict=True)]
    assert growth_of(SIZES, line, "S").law == "O(S)"
    flat = [7 * off for off in noise]
    assert growth_of(SIZES, flat).law == "O(1)"


def test_growth_wants_three_sizes_and_costs_above_zero() -> None:
    with pytest.raises(ValueError, match="three sizes"):
        growth_of((1, 2), (1.0, 2.0))
    with pytest.raises(ValueError, match="above zero"):
        growth_of((1, 2, 3), (1.0, 0.0, 2.0))


@pytest.mark.parametrize(
    ("bars", "peer", "reached"),
    [
        (at_least(100), None, True),
        (at_least(101), None, False),
        (at_most(99), None, False),
        (times_peer(2), Peer("Temporal", 50), True),
        (times_peer(2), Peer("Temporal", 51), False),
        (part_of_peer(0.25), Peer("Temporal", 400), True),
        (times_peer(2), Peer("Temporal", None), None),
        (at_most(100) + part_of_peer(1), Peer("Temporal", None), None),
        (at_most(99) + part_of_peer(1), Peer("Temporal", None), False),
        ((), None, None),
    ],
)
def test_a_bar_is_reached_or_not_or_nothing_can_be_said(
    bars: object, peer: Peer | None, *, reached: bool | None
) -> None:
    assert figure(bars=bars, peer=peer).reached is reached


def test_a_row_whose_peer_is_absent_has_no_ratio_and_no_figure_of_it() -> None:
    absent = figure(bars=times_peer(2), peer=Peer("Temporal", None))
    row = dict(zip(COLUMNS, cells(absent), strict=True))
    assert row["peer"] == "Temporal: not here"
    assert (row["ratio"], row["reached"]) == ("–", "–")
    said = record(absent)
    assert said["peer"] == {"name": "Temporal", "value": None}
    assert said["ratio"] is None
    assert said["reached"] is None


def test_an_absent_peer_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "TOOLS", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.missing("etcd") == "etcd: not here, rows without ratio (make bench-peers)"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "etcd").touch()
    assert programs.missing("etcd") == ""


def test_tables_say_bar_ratio_and_what_does_not_depend_on_the_machine() -> None:
    figures = [
        figure(bars=times_peer(2), peer=Peer("Temporal", 49)),
        figure(12.34, unit="statements each", steady=True, bars=at_most(30)),
    ]
    lines = markdown(figures).splitlines()
    assert len(lines) == 4
    assert lines[2] == (
        "| cycle | a row | 100 | tasks/s | ≥ 2 × Temporal | yes | Temporal: 49.0 | 2.04 × |  |"
    )
    assert "| 12.3 * | statements each | ≤ 30 | yes |" in lines[3]
    console = Console(file=io.StringIO(), width=200)
    console.print(table(figures, "a title"))
    assert isinstance(console.file, io.StringIO)
    assert "≥ 2 × Temporal" in console.file.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0123, "0.0123"), (3.456, "3.46"), (99.5, "99.5"), (12_345, "12,345")],
)
def test_numbers_have_three_figures_that_count(value: float, text: str) -> None:
    assert shown(value) == text


async def test_a_family_that_fails_does_not_end_the_others() -> None:
    async def fails(run: Run) -> AsyncIterator[Figure]:
        yield figure(1.0, family="")
        raise LookupError("it is not\nthere")

    async def works(run: Run) -> AsyncIterator[Figure]:
        yield figure(2.0, family="")

    families = [
        Family(name="first", asks="?", measure=fails),
        Family(name="second", asks="?", measure=works),
    ]
    found = await measured(families, Run(), [])
    assert [(one.family, one.value) for one in found.figures] == [("first", 1), ("second", 2)]
    assert found.failed == {"first": "LookupError: it is not"}


def test_families_have_names_of_their_own_and_a_soak_is_asked_for_by_name() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    assert [family.name for family in FAMILIES if not family.default] == ["soak"]
