"""A scenario for tests in which nobody begins a task soon, or at all."""

from datetime import timedelta
from typing import Final, Unpack

from phoenix_dma.declare import TaskFields
from phoenix_dma.v1 import assignment_pb2
from tests.e2e.scenarios.scenario import Scenario

BEGUN_LATE: Final = timedelta(minutes=10)
"""In which the owner of a task has to begin it: longer than any test waits for anything."""


class UnhurriedScenario(Scenario):
    """Its tasks may be begun late: none is taken from an owner that has not begun it."""

    def task(self, **fields: Unpack[TaskFields]) -> assignment_pb2.TaskDeclaration:
        """As `Scenario.task`, with a longer ``start_timeout``."""
        unhurried: TaskFields = {"start_timeout": BEGUN_LATE}
        return super().task(**{**unhurried, **fields})
