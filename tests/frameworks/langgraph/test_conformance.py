"""LangGraph's own suite for checkpoint savers, in full, on a task of a real runtime."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import ALL_CAPABILITIES

from phoenix_dma import Task
from phoenix_dma.adapters.langgraph import PhoenixCheckpointer
from phoenix_dma.testing import Phoenix
from tests.frameworks.langgraph.work import NEED, WORK


def test_the_saver_conforms_in_every_capability(phoenix: Phoenix) -> None:
    reports: list[dict[str, Any]] = []

    @phoenix.participant(**WORK)
    def validating(task: Task) -> None:
        @checkpointer_test(name="PhoenixCheckpointer")
        async def saver() -> AsyncIterator[PhoenixCheckpointer]:
            made = PhoenixCheckpointer(task)
            yield made
            # What one capability left would be written again with all that the next one writes.
            threads = {one.config["configurable"]["thread_id"] for one in made.list(None)}
            await made.aprune(sorted(threads), strategy="delete")

        reports.append(asyncio.run(validate(saver)).results)

    ended = phoenix.wait_for(phoenix.submit(**NEED), timeout=300)
    assert ended.status == "succeeded", ended.why
    (report,) = reports
    assert {name: one.failures for name, one in report.items() if one.passed is not True} == {}
    assert set(report) == {capability.value for capability in ALL_CAPABILITIES}
    assert sum(one.tests_passed for one in report.values()) >= 81
