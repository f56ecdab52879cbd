"""The test kit: a whole runtime as a pytest fixture, fake participants, deaths and decisions.

In a ``conftest.py`` or a test's module, with ``pip install "phoenix-dma[server]" pytest``::

    pytest_plugins = ["phoenix_dma.testing"]

    def test_a_review(phoenix):
        @phoenix.participant(capabilities=["customer_validation"])
        def reviewer(task):
            return {"ok": True}

        task = phoenix.submit(required_capabilities=["customer_validation"])
        assert phoenix.wait_for(task).result == {"ok": True}

``phoenix`` is a `Phoenix`: a tenant of the test's own in a runtime that the session shares, which
``phoenix_dma_runtime`` starts when the first test asks for it. docs/sdk.md, "Testing", has it all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

try:
    import pytest
except ModuleNotFoundError:
    raise ImportError(
        'phoenix_dma.testing needs pytest: pip install "phoenix-dma[server]" pytest'
    ) from None

from phoenix_dma.testing.agent import Agent
from phoenix_dma.testing.kit import Phoenix
from phoenix_dma.testing.runtime import SharedRuntime

__all__ = ["Agent", "Phoenix", "SharedRuntime", "phoenix", "phoenix_dma_runtime"]


@pytest.fixture(scope="session")
def phoenix_dma_runtime() -> Iterator[SharedRuntime]:
    """The runtime of the session: every part a process of its own, on free ports, without network.

    Its data is in a temporary folder and removed afterwards.
    """
    shared, without = None, ""
    with ExitStack() as stack:
        try:
            shared = stack.enter_context(SharedRuntime())
        except ModuleNotFoundError as missing:
            without = (missing.name or str(missing)).partition(".")[0]
        if shared is None:  # not where it was caught: pytest would show both errors
            pytest.fail(
                f"phoenix_dma.testing needs the server ({without} is missing): "
                'pip install "phoenix-dma[server]"',
                pytrace=False,
            )
        yield shared


@pytest.fixture
def phoenix(phoenix_dma_runtime: SharedRuntime) -> Iterator[Phoenix]:
    """A tenant of the test's own; its participants end with the test."""
    with Phoenix(phoenix_dma_runtime) as kit:
        yield kit
