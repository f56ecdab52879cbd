"""One rule for times, wherever they are given: with a zone, or refused with how to write it."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from phoenix_dma.cli import build
from phoenix_dma.cli.submit import declare
from phoenix_dma.declare import task
from phoenix_dma.wire.conversions import time_from, time_of, timestamp

NAIVE = datetime(2026, 6, 13, 21, 0)  # noqa: DTZ001  # what is to be refused
ABROAD = datetime(2026, 6, 13, 23, 0, tzinfo=timezone(timedelta(hours=2)))
HOW = r"write 2026-06-13T21:00:00Z or 2026-06-13T23:00:00\+02:00"


def test_a_time_without_a_zone_is_refused_by_the_name_of_its_argument() -> None:
    with pytest.raises(ValueError, match=f"deadline has no time zone: 2026-06-13T21:00:00; {HOW}"):
        task({"objective": "x", "deadline": NAIVE})


def test_the_same_instant_is_the_same_wherever_it_is_written() -> None:
    wanted = datetime(2026, 6, 13, 21, 0, tzinfo=UTC)
    made = timestamp(ABROAD, "deadline")
    assert made is not None
    assert time_of(made) == wanted
    for text in ("2026-06-13T21:00:00Z", "2026-06-13T23:00:00+02:00", "2026-06-13T21:00Z"):
        assert time_from(text, "deadline") == wanted


@pytest.mark.parametrize("text", ["2026-06-13T21:00:00", "2026-06-13", "2026-06-13 21:00"])
def test_a_text_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"--since has no time zone: .*{HOW}"):
        time_from(text, "--since")


def test_what_is_no_time_is_refused_with_how_one_is_written() -> None:
    with pytest.raises(ValueError, match=f"--since is 'yesterday', which is no time; {HOW}"):
        time_from("yesterday", "--since")


def test_a_task_file_is_held_to_the_same_rule() -> None:
    with pytest.raises(typer.BadParameter, match=f"deadline has no time zone.*{HOW}"):
        declare({"objective": "x", "deadline": "2026-06-13T21:00:00"})
    made = declare({"objective": "x", "deadline": "2026-06-13T23:00:00+02:00"})
    assert time_of(made.deadline) == ABROAD


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_options_are_held_to_the_same_rule(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a runtime is looked for: there is none."""
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", str(tmp_path / "none.json"))
    said = CliRunner().invoke(build(), ["audit", option, "2026-06-13T21:00"])
    assert said.exit_code == 2
    assert "has no time zone" in " ".join(said.output.replace("│", " ").split())


def test_a_day_is_no_time() -> None:
    with pytest.raises((TypeError, ValueError), match="deadline"):
        timestamp(date(2026, 6, 13), "deadline")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-12:00"])
def test_a_time_that_utc_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="--since is outside of the years 1 to 9999"):
        timestamp(time_from(text, "--since"), "--since")
    with pytest.raises(typer.BadParameter, match="deadline is outside of the years"):
        declare({"objective": "x", "deadline": text})


@pytest.mark.parametrize("span", [1e300, float("inf"), float("nan"), timedelta.max])
def test_a_span_that_is_none_is_refused_by_the_name_of_its_argument(span: object) -> None:
    for name in ("start_timeout", "attempt_timeout"):
        with pytest.raises(ValueError, match=f"{name} is .* no span"):
            task({"objective": "x", name: span})  # type: ignore[misc]
