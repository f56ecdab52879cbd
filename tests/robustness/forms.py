"""The two forms of a family: `make test` runs the short one, `make test-all` the long one too."""

from __future__ import annotations

from typing import Any

import pytest


def long_form(*values: Any) -> list[Any]:
    """Parameters of tests that only `make test-all` runs."""
    return [pytest.param(value, marks=pytest.mark.long) for value in values]


def short_and_long(short: Any, values: Any) -> list[Any]:
    """All of ``values`` as parameters; those that are not in ``short`` are of the long form."""
    return [value if value in short else long_form(value)[0] for value in values]
