"""What to write in place of a value that has no obvious form in JSON."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any


def advice_on(value: Any) -> str:
    """One clause, after a semicolon: what a program writes instead."""
    for fits, advice in (
        (inspect.isawaitable, "it was never awaited: make the function `async def`, and await it"),
        (inspect.isasyncgen, "write [item async for item in value]"),
        (lambda one: isinstance(one, Iterator), "write list(value)"),
        (lambda one: isinstance(one, BaseException), "raise it, or write str(value)"),
        (callable, "write its name, or what it returns"),
    ):
        if fits(value):
            return advice
    for method in ("to_dict", "tolist"):
        if callable(getattr(value, method, None)):
            return f"write value.{method}()"
    return "write a dict of what matters, or a text"
