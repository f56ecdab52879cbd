"""The long form of `test_rest_schema.py`."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.robustness.bad_input.target import Target, runtime, target
from tests.robustness.test_rest_schema import SCHEMA, conforms, drawn

__all__ = ["runtime", "target"]

EXAMPLES: Final = 100
"""For each operation."""


@pytest.mark.long
@SCHEMA.parametrize()  # type: ignore[untyped-decorator]
@drawn(EXAMPLES)
def test_what_it_documents_is_what_it_does_again_and_again(case: Any, target: Target) -> None:
    conforms(case, target)
