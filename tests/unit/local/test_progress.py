"""A start says what it does, and when each part of it is done."""

import re

import pytest

from phoenix_runtime.local.connections import ConnectionFailed
from phoenix_runtime.local.progress import told


async def test_a_step_is_told_before_and_after_it() -> None:
    said: list[str] = []

    async def step() -> None:
        said.append("at work")

    await told(said.append, "starting registry", step)
    assert said[:2] == ["starting registry", "at work"]
    assert re.fullmatch(r"starting registry: done after \d+\.\d s", said[2])


async def test_a_step_that_fails_is_not_told_as_done() -> None:
    said: list[str] = []

    async def step() -> None:
        raise OSError

    with pytest.raises(ConnectionFailed, match="starting registry: the connection failed"):
        await told(said.append, "starting registry", step)
    assert said == ["starting registry"]
