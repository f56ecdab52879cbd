"""Policy overlays for tests: one that limits payments, and inputs that it judges."""

from typing import Any

RULES = """package phoenix.own.data_operate

amount_named if is_number(input.subject.amount)

deny contains {
	"rule": "payment_amount",
	"text": "A payment names its amount.",
	"remedy": "Put a number into the subject's amount.",
} if {
	input.name == "pay"
	not amount_named
}

ask contains {"rule": "large_payment", "text": "Above 10,000 a human approves."} if {
	input.name == "pay"
	input.subject.amount > 10000
}
"""

TESTS = """package phoenix.own_tests

import data.phoenix.own.data_operate as rules

test_large_payments_are_asked_about if {
	count(rules.ask) == 1 with input as {"name": "pay", "subject": {"amount": 12000}}
	count(rules.ask) == 0 with input as {"name": "pay", "subject": {"amount": 9000}}
	count(rules.deny) == 1 with input as {"name": "pay", "subject": {}}
}
"""

CATALOGUE = """{
  "capabilities": {"invoice_payment": {"risk": "low"}},
  "domains": {"payments": {}},
  "permissions": {"pay_invoices": {"actions": ["read", "write"], "domains": ["payments"]}}
}
"""


def payment_overlay(**changes: str | None) -> dict[str, str]:
    """The overlay; each change replaces the text of catalogue, rules or tests, or leaves it out."""
    texts: dict[str, str | None] = {"catalogue": CATALOGUE, "rules": RULES, "tests": TESTS}
    texts |= changes
    paths = {
        "catalogue": "catalogue.json",
        "rules": "rules/payments.rego",
        "tests": "tests/payments_test.rego",
    }
    return {paths[name]: text for name, text in texts.items() if text is not None}


def payment(amount: Any, **more: Any) -> dict[str, Any]:
    """An input of `data.operate` that the shipped rules allow, where the domain is known."""
    return {
        "task": {
            "task_id": "task.1",
            "required_capabilities": ["invoice_payment"],
            "data_domains": ["payments"],
            "risk_level": "low",
            "policy_constraints": [],
            "submitter": "sam",
        },
        "assignee": {
            "id": "agent.payer",
            "type": "agent",
            "owner": "finance",
            "status": "active",
            "capabilities": ["invoice_payment"],
            "data_domains": ["payments"],
            "permissions": ["pay_invoices"],
            "trust_policy": "",
        },
        "kind": "data_mutation",
        "name": "pay",
        "domain": "payments",
        "subject": {"amount": amount},
        "subject_hash": "sha256:1",
        "approvals": [],
        **more,
    }
