"""The runtime of this module: its services die where they are told to, and are brought back."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence

from tests.e2e.intervals import PATIENCE
from tests.robustness.crash_windows.windows import Scene, Window
from tests.support.processes.breakable_runtime import BreakableRuntime


class Crashes:
    """Which windows are still to come, by part and tenant, and which life has them armed.

    One life arms the next window of every scene of its part: each acts in its own tenant alone, so
    that a window costs one start of the service and not two.
    """

    def __init__(self, runtime: BreakableRuntime, scenes: Sequence[Scene]) -> None:
        self.runtime = runtime
        self._left: dict[str, dict[str, list[Window]]] = {}
        self._armed: dict[str, str] = {}
        self._coming = [scene for scene in scenes if not scene.late]
        for scene in self._coming:
            self._left.setdefault(scene.part, {})[scene.tenant] = list(scene.windows)

    async def arm(self, scene: Scene) -> None:
        """The part lives, with the first window of the scene armed."""
        left = self._left.setdefault(scene.part, {})
        left[scene.tenant] = list(scene.windows)
        if scene.windows[0].armed(scene.tenant) not in self._armed.get(scene.part, ""):
            await self.runtime.restart(scene.part, self._environment(scene.part))

    async def died(self, scene: Scene, window: Window) -> None:
        """The part was killed in that window; it is alive again, with the next one armed."""
        code = await self.runtime.died(scene.part, PATIENCE)
        assert code == -signal.SIGKILL, f"{scene.part} ended with {code}"
        log = self.runtime.folder.log(self.runtime.program(scene.part)).read_text()
        reached = f'"failpoint": "{window.point}"'
        assert any(scene.tenant in line for line in log.splitlines() if reached in line)
        self._left[scene.part][scene.tenant].remove(window)
        await self.revive(scene.part)

    async def revive(self, part: str) -> None:
        """Start a part that has died, with the windows armed that are to come."""
        await self.runtime.revive(part, self._environment(part))

    async def leave(self, scene: Scene) -> None:
        """The scene is over; where it failed half-way, nothing of it stays behind."""
        if not self._left.get(scene.part, {}).pop(scene.tenant, None):
            return
        await self.runtime.restart(scene.part, self._environment(scene.part))

    def _environment(self, part: str) -> Mapping[str, str]:
        left = self._left.get(part, {}).items()
        armed = ",".join(windows[0].armed(tenant) for tenant, windows in left if windows)
        self._armed[part] = armed
        return {"PHOENIX_DMA_DEBUG": "true", "PHOENIX_DMA_FAILPOINTS": armed}
