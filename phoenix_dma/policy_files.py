"""The files of a policy overlay: what `policy init` writes, and what is read from a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

CATALOGUE: Final = "catalogue.json"

TEMPLATE: Final[Mapping[str, str]] = {
    CATALOGUE: """{
  "capabilities": {"invoice_payment": {"risk": "low"}},
  "domains": {"payments": {}},
  "permissions": {"pay_invoices": {"actions": ["read", "write"], "domains": ["payments"]}},
  "constraints": {
    "payments_by_hand": {"denies": {"point": "data.operate", "name": "pay"}}
  },
  "owners": {
    "finance": {
      "participant_types": ["*"],
      "capabilities": ["*"],
      "data_domains": ["*"],
      "actions": ["read", "recommend", "write"],
      "trust_policies": ["*"]
    }
  },
  "secrets": [{"fields": ["iban"]}]
}
""",
    "rules/payments.rego": """# Rules about operations. They stand in the package of their decision
# point and say deny, ask or obligations. What `input` holds at each is in the project's
# docs/policy-inputs.md; `phoenix-dma policy test` names a path that no input has.
package phoenix.own.data_operate

paying if input.name == "pay"

# A comparison with what is absent says nothing, and neither does its negation: name what has to
# hold in a rule of its own, and deny where that rule does not hold.
amount_named if is_number(input.subject.amount)

deny contains {
	"rule": "payment_amount",
	"text": "A payment names its amount.",
	"remedy": "Put the amount, a number, into the subject.",
} if {
	paying
	not amount_named
}

ask contains {
	"rule": "large_payment",
	"text": sprintf("A human approves a payment of %v.", [input.subject.amount]),
} if {
	paying
	input.subject.amount > 10000
}
""",
    "tests/payments_test.rego": """package phoenix.own_tests

import data.phoenix.own.data_operate as rules

pay(amount) := {"name": "pay", "subject": {"amount": amount}}

test_up_to_10000_nobody_is_asked if {
	count(rules.ask) == 0 with input as pay(9000)
	count(rules.deny) == 0 with input as pay(9000)
}

test_above_10000_a_human_is_asked if count(rules.ask) == 1 with input as pay(12000)

test_an_amount_is_a_number if count(rules.deny) == 1 with input as pay("12000")

test_an_amount_is_there if count(rules.deny) == 1 with input as {"name": "pay", "subject": {}}

test_other_operations_do_not_matter if {
	count(rules.deny) == 0 with input as {"name": "merge", "subject": {}}
}
""",
}
"""A first overlay, which can be applied as it stands."""


def write_template(folder: Path) -> list[Path]:
    """Write the first files of an overlay; raises FileExistsError where one is there already."""
    paths = [folder / name for name in TEMPLATE]
    for path in paths:
        if path.exists():
            raise FileExistsError(f"{path} exists already")
    for path, text in zip(paths, TEMPLATE.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return paths


def read_overlay(folder: Path) -> dict[str, str]:
    """The catalogue and every ``.rego`` file below ``folder``; raises OSError and ValueError."""
    paths = sorted(path for path in folder.rglob("*.rego") if path.is_file())
    catalogue = folder / CATALOGUE
    if catalogue.exists():
        paths.append(catalogue)
    if not paths:
        raise FileNotFoundError(f"{folder} holds neither {CATALOGUE} nor a .rego file")
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in paths}
