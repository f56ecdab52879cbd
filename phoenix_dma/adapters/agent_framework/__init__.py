"""Microsoft's Agent Framework under governance: ``PhoenixMiddleware(task).run(agent, "…")``.

``pip install "phoenix-dma[agent-framework]"``; docs/frameworks/agent-framework.md has the rest.
"""

from __future__ import annotations

from phoenix_dma.adapters.extras import require_extra

require_extra("agent_framework", "agent-framework")

from phoenix_dma.adapters.agent_framework.middleware import PhoenixMiddleware  # noqa: E402
from phoenix_dma.adapters.governance import ToolAction  # noqa: E402

__all__ = ["PhoenixMiddleware", "ToolAction"]
