"""A2A: a participant's Agent Card out, signed and with its governance, and in, verified.

`agent_card` and `sign` make a card of what the registry knows; `register_from_card` registers whom
a card describes, where one of the keys that the operator configured has signed it. Nothing is
fetched. docs/frameworks/a2a.md has both.
"""

from __future__ import annotations

from phoenix_dma.adapters.extras import require_extra

require_extra("a2a", "a2a")
require_extra("jwt", "a2a")

from phoenix_dma.adapters.a2a.cards import GOVERNANCE, agent_card, sign  # noqa: E402
from phoenix_dma.adapters.a2a.verified import (  # noqa: E402
    CardRefused,
    Signer,
    register_from_card,
    verified_by,
)

__all__ = [
    "GOVERNANCE",
    "CardRefused",
    "Signer",
    "agent_card",
    "register_from_card",
    "sign",
    "verified_by",
]
