"""The policy agent: judges findings by the merge constraints, deterministically.

python -m examples.stewardship.policy_agent
"""

from __future__ import annotations

from typing import Any

from examples.stewardship import scenario
from examples.stewardship.analysis import breaches, finding_of
from examples.stewardship.scenario import say
from phoenix_dma import PhoenixClient, Task, load_context


def handle(task: Task) -> dict[str, Any]:
    """Say how many findings were checked, and what speaks against merging which."""
    task.authorize("data_read", "customer_records", domain=scenario.DOMAIN)
    context = load_context(task.context_ref)
    findings = [finding_of(one) for one in context.inputs["findings"]]
    found = breaches(findings)
    task.checkpoint({"checked": len(findings), "breaches": found})
    say("judged", task=task.id, checked=len(findings), breaches=len(found))
    return {"checked": len(findings), "breaches": found, "by": scenario.POLICY_AGENT}


def main() -> None:
    """Register, and work until told to leave."""
    client = PhoenixClient(base_url="https://phoenix.example.com")
    client.task_handler(capability="policy_check")(handle)
    client.register_participant(
        id=scenario.POLICY_AGENT,
        type="agent",
        capabilities=["policy_check"],
        owner=scenario.POLICY_OWNER,
        data_domains=[scenario.DOMAIN],
        permissions=["read_customer_master"],
        capacity=4,
    )
    say("here", participant=scenario.POLICY_AGENT)


if __name__ == "__main__":
    main()
