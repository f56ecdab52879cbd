"""The build hook: stubs are generated whenever the project is built or installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StubsHook(BuildHookInterface):  # type: ignore[misc, type-arg, unused-ignore]
    """Writes ``phoenix_dma/v1`` from ``protos`` before files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Generate the stubs, for the standard and the editable ``version`` alike."""
        del version, build_data
        # Hatchling loads this file by its path, so its neighbours are not importable by themselves.
        sys.path.insert(0, self.root)
        try:
            import build_stubs  # noqa: PLC0415
        finally:
            sys.path.remove(self.root)
        build_stubs.generate(Path(self.root))
