"""Pydantic AI under governance: ``Agent(…, capabilities=[PhoenixCapability(task)])``.

``pip install "phoenix-dma[pydantic-ai]"``; docs/frameworks/pydantic-ai.md has the rest.
"""

from __future__ import annotations

from phoenix_dma.adapters.extras import require_extra

require_extra("pydantic_ai", "pydantic-ai")

from phoenix_dma.adapters.governance import ToolAction  # noqa: E402
from phoenix_dma.adapters.pydantic_ai.capability import PhoenixCapability  # noqa: E402

__all__ = ["PhoenixCapability", "ToolAction"]
