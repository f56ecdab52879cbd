"""Detects that the running script has executed its last line, before the interpreter shuts down.

A script with handlers keeps running from there. During shutdown Python starts no thread (3.12) and
no pool accepts work (3.9), and handlers may need both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

TOOLS: Final = (4, 3)
"""Tool ids of `sys.monitoring` that no well-known tool uses."""


def on_script_end(callback: Callable[[], object]) -> bool:
    """Call ``callback`` in the main thread after the script's last line, unless that raises.

    Return False where no script can be watched: in a notebook or a shell, in another thread, or
    where a debugger watches already.
    """
    frame = _script()
    if frame is None:
        return False
    return _watch(frame, callback)


def _script() -> FrameType | None:
    """The frame of the script that called us: a module that is ``__main__`` and a file."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # as `logging` and `warnings` do
    while frame is not None:
        named = frame.f_globals.get("__name__") == "__main__" and "__file__" in frame.f_globals
        if named and frame.f_code.co_name == "<module>":
            return frame
        frame = frame.f_back
    return None


if sys.version_info >= (3, 12):

    def _watch(frame: FrameType, callback: Callable[[], object]) -> bool:
        code, monitoring = frame.f_code, sys.monitoring
        tool = next((one for one in TOOLS if monitoring.get_tool(one) is None), None)
        if tool is None:
            return False
        returned = monitoring.events.PY_RETURN

        def ended(*_: object) -> None:
            monitoring.set_local_events(tool, code, 0)
            monitoring.free_tool_id(tool)
            callback()

        monitoring.use_tool_id(tool, "phoenix-dma")
        monitoring.register_callback(tool, returned, ended)
        monitoring.set_local_events(tool, code, returned)
        return True

else:

    def _watch(frame: FrameType, callback: Callable[[], object]) -> bool:
        if sys.gettrace() is not None:
            return False
        raised = False

        def step(at: FrameType, event: str, _: Any) -> Any:
            nonlocal raised
            if event != "return":
                raised = event == "exception"
                return step
            sys.settrace(None)
            at.f_trace = None
            if not raised:
                callback()
            return None

        frame.f_trace = step
        frame.f_trace_lines = True  # a line after an exception means that it was caught
        sys.settrace(lambda *_: None)
        return True
