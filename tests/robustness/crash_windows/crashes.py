"""Arms failpoints in the services of a runtime, and starts again what was killed by one."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence

from tests.e2e.scenarios.intervals import PATIENCE
from tests.robustness.crash_windows.windows import CrashCase, Window
from tests.support.processes.breakable_runtime import BreakableRuntime


class Crashes:
    """The windows that are still to come, by part and tenant, and what is armed.

    Whenever a part is started, the next window of every case of that part is armed: each case acts
    in its own tenant alone, so that a window costs one start of the service and not two.
    """

    def __init__(self, runtime: BreakableRuntime, cases: Sequence[CrashCase]) -> None:
        self.runtime = runtime
        self._left: dict[str, dict[str, list[Window]]] = {}
        self._armed: dict[str, str] = {}
        self._coming = [case for case in cases if not case.late]
        for case in self._coming:
            self._left.setdefault(case.part, {})[case.tenant] = list(case.windows)

    async def arm(self, case: CrashCase) -> None:
        """Start the part with the first window of the case armed, where it is not armed yet."""
        left = self._left.setdefault(case.part, {})
        left[case.tenant] = list(case.windows)
        if case.windows[0].armed(case.tenant) not in self._armed.get(case.part, ""):
            await self.runtime.restart(case.part, self._environment(case.part))

    async def died(self, case: CrashCase, window: Window) -> None:
        """Wait until the part was killed in that window; start it with the next one armed."""
        code = await self.runtime.died(case.part, PATIENCE)
        assert code == -signal.SIGKILL, f"{case.part} ended with {code}"
        log = self.runtime.folder.log(self.runtime.program(case.part)).read_text()
        reached = f'"failpoint": "{window.point}"'
        assert any(case.tenant in line for line in log.splitlines() if reached in line)
        self._left[case.part][case.tenant].remove(window)
        await self.revive(case.part)

    async def revive(self, part: str) -> None:
        """Start a part that has died, with the next windows armed."""
        await self.runtime.revive(part, self._environment(part))

    async def leave(self, case: CrashCase) -> None:
        """Disarm what is left of a case that failed half-way."""
        if not self._left.get(case.part, {}).pop(case.tenant, None):
            return
        await self.runtime.restart(case.part, self._environment(case.part))

    def _environment(self, part: str) -> Mapping[str, str]:
        left = self._left.get(part, {}).items()
        armed = ",".join(windows[0].armed(tenant) for tenant, windows in left if windows)
        self._armed[part] = armed
        return {"PHOENIX_DMA_DEBUG": "true", "PHOENIX_DMA_FAILPOINTS": armed}
