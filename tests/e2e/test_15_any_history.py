"""Whatever participants, tasks, offers and retirements do, in any order, every invariant holds.

The machine is worth what it finds: with a guard taken out of the assignment service it has to fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from tests.e2e.histories.base import World
from tests.e2e.histories.membership import machine_over
from tests.e2e.scenarios.intervals import INTERVALS

GUARDS = {
    "fencing": """
from assignment_svc.usecases.tasks import record_checkpoint
record_checkpoint.fenced = lambda task, **_: task.binding
""",
    "the gate": """
from assignment_svc.usecases.steps import transaction
transaction.admitted = lambda gate, standing, **_: gate.brought_up(standing).taken()
""",
    "base_version": """
from assignment_svc.usecases.tasks import record_checkpoint
record_checkpoint.base_is_current = lambda base, current: None
""",
}
"""What takes each guard out; every check behind it, the database's own included, stays."""
QUICK = {
    **INTERVALS,
    "PHOENIX_DMA_LEASE_TTL": "3",
    "PHOENIX_DMA_HEARTBEAT_INTERVAL": "1",
    "PHOENIX_DMA_LEASE_MARGIN": "0.5",
    "PHOENIX_DMA_OFFER_TIMEOUT": "4",
    "PHOENIX_DMA_RESUME_TIMEOUT": "4",
}
"""Agents that are late with a beat are failed rightly: that too is a history."""
ONLY_THERE = """
import sys
if "assignment_svc" in sys.orig_argv:
"""


def drawn(examples: int, steps: int) -> settings:
    """So many histories of so many steps: the same ones every time, at the services' own pace."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )


@pytest.fixture
def world() -> Iterator[World]:
    """A runtime in which leases and offers lapse while a history is played."""
    with world_with(QUICK) as world:
        yield world


@contextmanager
def world_with(environment: Mapping[str, str]) -> Iterator[World]:
    """A runtime with this environment."""
    options = LocalRuntimeOptions.temporary(environment=environment)
    runtime = LocalRuntime(options)
    world = World(runtime)
    try:
        world.run(runtime.start())
        yield world
    finally:
        world.run(runtime.stop())
        world.close()
        shutil.rmtree(options.data)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("histories", "steps"), [(4, 20), pytest.param(20, 30, marks=pytest.mark.long)]
)
def test_no_history_breaks_an_invariant(world: World, histories: int, steps: int) -> None:
    with machine_over(world) as machine:
        run_state_machine_as_test(machine, settings=drawn(histories, steps))


@pytest.fixture
def unguarded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A runtime whose assignment service has lost one guard."""
    body = GUARDS[request.param].strip().splitlines()
    guard = "\n".join(f"    {line}" for line in body)
    (tmp_path / "sitecustomize.py").write_text(f"{ONLY_THERE}{guard}\n")
    inherited = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(filter(None, [str(tmp_path), inherited]))
    with world_with({**QUICK, "PYTHONPATH": path}) as world:
        yield world


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("unguarded", GUARDS, indirect=True)
def test_the_machine_finds_each_guard_that_is_taken_out_of_the_service(unguarded: World) -> None:
    with machine_over(unguarded) as machine, pytest.raises((AssertionError, Flaky)) as found:
        run_state_machine_as_test(machine, settings=drawn(100, 30))
    # Flaky: drawn again, the services' pace was another one.
    assert isinstance(found.value, AssertionError) or found.group_contains(AssertionError)
