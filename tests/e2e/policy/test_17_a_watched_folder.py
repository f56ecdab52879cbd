"""`up --bundle DIR`: what a change in the folder does to the rules, and what a mistake does not."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from phoenix_dma.cli.policy import overlay_watch
from phoenix_dma.policy_files import TEMPLATE, write_template
from phoenix_dma.v1 import governance_pb2
from tests.e2e.scenarios.scenario import Scenario
from tests.support.processes.programs import Programs
from tests.support.waiting.until import until

RULE = "rules/payments.rego"
TESTS = "tests/payments_test.rego"
Said = Callable[[str], Awaitable[str]]


@pytest.fixture
async def folder(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Path]:
    """The first overlay, in a folder that is watched in this tenant."""
    file = scenario.file("profile.toml")
    programs = Programs(scenario.profile, file)
    monkeypatch.setenv("PHOENIX_DMA_PROFILE", str(file))
    monkeypatch.setattr(overlay_watch, "POLL_SECONDS", 0.05)
    folder = tmp_path / "policy"
    write_template(folder)
    watching = asyncio.create_task(overlay_watch.watch_overlay(folder))
    yield folder
    watching.cancel()
    await asyncio.wait({watching})
    assert watching.cancelled()
    await programs.leave()


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Waits until the watcher has said this; answers what it said since the last time."""
    heard: list[str] = []

    async def said(text: str) -> str:
        async def look() -> str | None:
            heard.append(capsys.readouterr().err)
            return "".join(heard) if text in "".join(heard) else None

        found = await until(look)
        heard.clear()
        return found

    return said


async def revision(scenario: Scenario) -> str:
    """The overlay that decides."""
    operator = await scenario.operator()
    method = operator.stubs.governance.ListPolicies
    listed = await operator.ask(method, governance_pb2.ListPoliciesRequest())
    return next((one.overlay_revision for one in listed.policies if one.active), "")


async def test_a_change_takes_effect_and_a_mistake_leaves_what_decided(
    scenario: Scenario, folder: Path, said: Said
) -> None:
    assert "5 tests passed" in await said("decides")
    first = await revision(scenario)
    assert first

    # A rule with a mistake is refused with its line; it can be mended, to what it was or otherwise.
    (folder / RULE).write_text(TEMPLATE[RULE] + "deny contains if {{\n")
    line = TEMPLATE[RULE].count("\n") + 1
    assert "refused; what decided before goes on deciding" in await said(f"{RULE}:{line}:")
    assert await revision(scenario) == first

    # Limit and tests are two files: between the two writes the tests fail, which is said.
    (folder / RULE).write_text(TEMPLATE[RULE].replace("10000", "5000"))
    (folder / TESTS).write_text(TEMPLATE[TESTS].replace("9000", "4000"))
    await said("decides")
    second = await revision(scenario)
    assert second not in {first, ""}

    # A folder that is gone takes no rule away; one that comes back is applied.
    again = folder.with_name("again")
    write_template(again)
    shutil.rmtree(folder)
    await said("holds neither catalogue.json nor a .rego file; what decided before goes on")
    assert await revision(scenario) == second
    again.rename(folder)
    await said("decides")
    assert await revision(scenario) == first
