"""The stages around a call are entered in order, and each sees what those inside of it raised."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import Any, cast

import pytest

from phoenix_runtime.chassis.rpc.interceptors.stages import Arrival, Entered, Inside

ARRIVAL = Arrival("/phoenix_dma.v1.AuditService/ListAuditEvents", None, cast("Any", None))


class Noting(AbstractContextManager[None]):
    """Notes when it is entered and left, and with which error."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name = name
        self.notes = notes

    def around(self, arrival: Arrival) -> Inside | None:
        """Itself."""
        return self

    def __enter__(self) -> None:
        self.notes.append(f"{self.name} in")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.notes.append(f"{self.name} out {error}")


class Replacing(AbstractAsyncContextManager[None]):
    """Raises another error for each that it sees."""

    def around(self, arrival: Arrival) -> Inside | None:
        """Itself."""
        return self

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            raise LookupError("another") from error


class Refusing:
    """Refuses every call before it is served."""

    def around(self, arrival: Arrival) -> Inside | None:
        """Raises ValueError."""
        raise ValueError("refused")


class Finished:
    """Has nothing to do after the call."""

    def around(self, arrival: Arrival) -> Inside | None:
        """None."""
        return None


async def test_stages_are_left_in_reverse() -> None:
    """The first one is the outermost."""
    notes: list[str] = []
    async with Entered([Noting("a", notes), Finished(), Noting("b", notes)], ARRIVAL):
        notes.append("served")
    assert notes == ["a in", "b in", "served", "b out None", "a out None"]


async def test_a_stage_sees_the_error_that_a_stage_inside_of_it_made() -> None:
    """And so does the caller."""
    notes: list[str] = []
    stages = [Noting("a", notes), Replacing(), Noting("b", notes)]
    with pytest.raises(LookupError, match="another"):
        async with Entered(stages, ARRIVAL):
            raise KeyError("first")
    assert notes == ["a in", "b in", "b out 'first'", "a out another"]


async def test_what_was_entered_is_left_where_a_stage_refuses() -> None:
    """The call is not served."""
    notes: list[str] = []
    with pytest.raises(LookupError, match="another"):
        async with Entered([Noting("a", notes), Replacing(), Refusing()], ARRIVAL):
            pytest.fail("it was served")
    assert notes == ["a in", "a out another"]


async def test_an_error_that_no_stage_replaces_goes_on_as_it_is() -> None:
    """The very same one."""
    error = KeyError("first")
    with pytest.raises(KeyError) as caught:
        async with Entered([Noting("a", [])], ARRIVAL):
            raise error
    assert caught.value is error
