"""The wall clock that a test may let jump, and nobody else."""

import time
from collections.abc import Callable
from pathlib import Path

from phoenix_runtime.chassis.wall_clock import DEBUG, OFFSET_FILE, steady_clock, wall_of


def is_wrong_by(seconds: float, wall: Callable[[], float]) -> bool:
    """To a second, and however long the look itself takes."""
    before = time.time()
    told = wall() - seconds
    return before - 1 < told < time.time() + 1


def test_in_debugging_the_wall_is_wrong_by_what_the_file_says_at_each_look(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    wall = wall_of({DEBUG: "true", OFFSET_FILE: str(file)})
    assert is_wrong_by(0, wall)
    file.write_text("3600")
    assert is_wrong_by(3600, wall)
    file.write_text("")
    assert is_wrong_by(0, wall)


def test_outside_of_debugging_no_file_changes_the_wall(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    file.write_text("3600")
    assert wall_of({OFFSET_FILE: str(file)}) is time.time


def test_a_wall_that_jumps_does_not_take_the_clock_along(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    clock = steady_clock({DEBUG: "true", OFFSET_FILE: str(file)})
    file.write_text("-3600")
    assert is_wrong_by(0, lambda: clock.now().timestamp())
