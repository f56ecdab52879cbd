"""Whatever participants, tasks, offers and retirements do, in any order, every invariant holds.

The machine is worth what it finds: with a guard taken out of the assignment service it has to fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from tests.e2e.intervals import INTERVALS
from tests.e2e.membership import World, machine_over

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
ONLY_THERE = """
import sys
if "assignment_svc" in sys.orig_argv:
"""


def told(examples: int, steps: int) -> settings:
    """How histories are drawn: the same ones every time; the services' pace differs anyway."""
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
def world(runtime: LocalRuntime) -> Iterator[World]:
    """The runtime of the tier."""
    world = World(runtime)
    yield world
    world.close()


@pytest.mark.timeout(600)
def test_no_history_breaks_an_invariant(world: World) -> None:
    with machine_over(world) as machine:
        run_state_machine_as_test(machine, settings=told(20, 30))


@pytest.fixture
def unguarded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A runtime whose assignment service has lost one guard."""
    body = GUARDS[request.param].strip().splitlines()
    guard = "\n".join(f"    {line}" for line in body)
    (tmp_path / "sitecustomize.py").write_text(f"{ONLY_THERE}{guard}\n")
    inherited = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(filter(None, [str(tmp_path), inherited]))
    options = LocalRuntimeOptions.temporary(environment={**INTERVALS, "PYTHONPATH": path})
    runtime = LocalRuntime(options)
    world = World(runtime)
    world.run(runtime.start())
    yield world
    world.run(runtime.stop())
    world.close()
    shutil.rmtree(options.data)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("unguarded", GUARDS, indirect=True)
def test_the_machine_finds_each_guard_that_is_taken_out_of_the_service(unguarded: World) -> None:
    with machine_over(unguarded) as machine, pytest.raises((AssertionError, Flaky)) as found:
        run_state_machine_as_test(machine, settings=told(100, 30))
    # Flaky: drawn again, the services' pace was another one.
    assert isinstance(found.value, AssertionError) or found.group_contains(AssertionError)
