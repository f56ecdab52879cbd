"""OpenAI's Agents SDK under governance: ``PhoenixRun(task).run(agent, "…")``.

``pip install "phoenix-dma[openai-agents]"``; docs/frameworks/openai-agents.md has the rest.
"""

from __future__ import annotations

from phoenix_dma.adapters.extras import require_extra

require_extra("agents", "openai-agents")

from phoenix_dma.adapters.governance import ToolAction  # noqa: E402
from phoenix_dma.adapters.openai_agents.run import PhoenixRun  # noqa: E402

__all__ = ["PhoenixRun", "ToolAction"]
