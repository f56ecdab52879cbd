"""The wall clock that a test may let jump, and nobody else."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from phoenix_runtime.chassis.wall import DEBUG, OFFSET_FILE, steady_clock, wall_of


def test_in_debugging_the_wall_is_wrong_by_what_the_file_says_at_each_look(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    wall = wall_of({DEBUG: "true", OFFSET_FILE: str(file)})
    assert abs(wall() - time.time()) < 1
    file.write_text("3600")
    assert abs(wall() - time.time() - 3600) < 1
    file.write_text("")
    assert abs(wall() - time.time()) < 1


def test_outside_of_debugging_no_file_changes_the_wall(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    file.write_text("3600")
    assert wall_of({OFFSET_FILE: str(file)}) is time.time


def test_a_wall_that_jumps_does_not_take_the_clock_along(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    clock = steady_clock({DEBUG: "true", OFFSET_FILE: str(file)})
    file.write_text("-3600")
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
