"""The runtime that a run asks for: one of each service, or two."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from tests.benchmarks.frame.figures import Run
from tests.support.processes.breakable_runtime import BreakableRuntime, breakable_runtime
from tests.support.processes.replicated_runtime import replicated_runtime


def runtime_for(
    run: Run, environment: Mapping[str, str]
) -> AbstractAsyncContextManager[BreakableRuntime]:
    """One in a temporary folder, with two replicas of each service where the run says twins."""
    return replicated_runtime(environment) if run.twins else breakable_runtime(environment)
