"""Refusals of the runtime as MCP tool errors: reason, text, facts, and what to do.

A tool error reaches the model, which can correct itself; a protocol error reaches the host alone.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError

from phoenix_dma.errors import FieldInvalid, PhoenixError

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def telling_refusals(
    tool: Callable[Given, Coroutine[Any, Any, Answer]],
) -> Callable[Given, Coroutine[Any, Any, Answer]]:
    """``tool``, whose `PhoenixError` becomes a ToolError; anything else stays a fault of ours."""

    @wraps(tool)
    async def told(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        try:
            return await tool(*args, **kwargs)
        except PhoenixError as refused:
            raise ToolError(refusal_text(refused)) from refused

    return told


def refusal_text(refused: PhoenixError) -> str:
    """The refusal in the form in which the command line prints every refusal."""
    lines = [f"{refused.reason}: {refused.text}"]
    violations = refused.violations if isinstance(refused, FieldInvalid) else ()
    lines += [f"  {one.field}: {one.text}" for one in violations if len(violations) > 1]
    lines += [f"  {name}: {fact}" for name, fact in sorted(refused.facts.items())]
    return "\n".join([*lines, f"What to do: {refused.remedy}"])
