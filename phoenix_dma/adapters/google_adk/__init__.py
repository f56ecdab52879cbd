"""Google's Agent Development Kit under governance: ``PhoenixPlugin(task).run(agent, "…")``.

``pip install "phoenix-dma[google-adk]"``; docs/frameworks/google-adk.md has the rest.
"""

from __future__ import annotations

from phoenix_dma.adapters.extras import require_extra

require_extra("google.adk", "google-adk")

from phoenix_dma.adapters.google_adk.plugin import PhoenixPlugin  # noqa: E402
from phoenix_dma.adapters.governance import ToolAction  # noqa: E402

__all__ = ["PhoenixPlugin", "ToolAction"]
