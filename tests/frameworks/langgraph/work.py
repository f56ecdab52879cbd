"""What the agents of these tests register as, and what tasks ask for."""

from __future__ import annotations

from typing import Any, Final

WORK: Final[dict[str, Any]] = {
    "owner": "data-governance",
    "capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
    "permissions": ["read_customer_master", "suggest_merge"],
}
NEED: Final[dict[str, Any]] = {
    "required_capabilities": ["customer_validation"],
    "data_domains": ["customer_master"],
}
ASKS_A_HUMAN: Final[dict[str, Any]] = {
    **NEED,
    "policy_constraints": ["human_approval_required_for_merge"],
}
