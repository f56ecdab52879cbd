"""AG2 under governance: ``PhoenixMiddleware(task).run(agent, "…")``.

``pip install "phoenix-dma[ag2]"``; docs/frameworks/ag2.md has the rest.
"""

from __future__ import annotations

from phoenix_dma.adapters.extras import require_extra

require_extra("ag2", "ag2")

from phoenix_dma.adapters.ag2.middleware import PhoenixMiddleware  # noqa: E402
from phoenix_dma.adapters.governance import ToolAction  # noqa: E402

__all__ = ["PhoenixMiddleware", "ToolAction"]
