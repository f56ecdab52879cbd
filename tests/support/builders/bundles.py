"""Small policy bundles for tests: one that behaves, and every way of misbehaving."""

from collections.abc import Mapping

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.domain.policy.bundle import PolicyBundle, make_bundle

DECIDE = """package phoenix

decide := [answer(one) | some one in input.inputs] if not mischief

mischief := input.inputs[0].mischief

answer(one) := said("allow", one.name) if {
	one.allow == true
} else := said("deny", "No.") if {
	not one.allow
} else := said(upper(one.allow), "Loud.")

said(effect, text) := {
	"effect": effect,
	"policy": "phoenix",
	"reasons": [{"rule": "test", "text": text}],
}

decide := "true" if mischief == "text"

decide := true if mischief == "truth"

decide := [] if mischief == "short"

decide := {"0": {"effect": "allow"}} if mischief == "object"

decide := [{"effect": "true", "policy": "phoenix"}] if mischief == "effect"

decide := [true] if mischief == "verdict"

decide := [1 / 0] if mischief == "error"

decide := [endless] if mischief == "endless"

endless := count([1 | some a in steps; some b in steps; a * b < 0])

steps := numbers.range(1, 100000)
"""

TEST = """package phoenix_test_name

import data.phoenix

test_what_is_allowed_is_allowed if {
	phoenix.decide[0].effect == "allow" with input as {"inputs": [{"allow": true, "name": "x"}]}
}
""".replace("phoenix_test_name", "phoenix.decide_test")


def small_bundle(**changes: str | None) -> PolicyBundle:
    """The small bundle; each change sets the text of ``<name>.rego`` or (None) leaves it out."""
    modules: dict[str, str | None] = {"decide": DECIDE, "decide_test": TEST, **changes}
    return make_bundle(_files(modules), shipped_bundle().data)


def _files(modules: Mapping[str, str | None]) -> dict[str, str]:
    return {f"{name}.rego": text for name, text in modules.items() if text is not None}
