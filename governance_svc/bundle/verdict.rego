# Combines the results of a point's rules into one raw verdict. Deny overrides ask, ask overrides allow;
# no result is a denial.
#
# `results` has four sets: allow and deny of {rule, text, remedy}, ask of {rule, text, approvers},
# obligations of {id, text, due, met_by, action}.
package phoenix.verdict

of(policy, results) := with_facts(policy, results, {})

with_facts(policy, results, more) := object.union(
	{
		"effect": effect,
		"policy": policy,
		"policy_score": 1,
		"reasons": reasons(chosen),
		"remediation": sort({r.remedy | some r in chosen; object.get(r, "remedy", "") != ""}),
		"obligations": obligations(effect, results.obligations),
		"approvers": sort({a | some r in chosen; some a in object.get(r, "approvers", [])}),
		"grants": null,
		"trust": null,
		"facts": {},
	},
	more,
) if {
	effect := effect_of(count(results.deny), count(results.ask), count(results.allow))
	chosen := results_with(effect, results)
}

effect_of(denials, asks, allows) := "deny" if {
	denials > 0
} else := "require_approval" if {
	asks > 0
	allows > 0
} else := "allow" if {
	allows > 0
} else := "deny"

results_with("deny", results) := results.deny if {
	count(results.deny) > 0
} else := {{
	"rule": "default_deny",
	"text": "No rule allows this.",
	"remedy": "Ask who is responsible for the policy bundle.",
}}

results_with("require_approval", results) := results.ask

results_with("allow", results) := results.allow

# Sorted by rule, so that the same input always gives the same explanation.
reasons(chosen) := [{"rule": pair[0], "text": pair[1]} |
	some pair in sort([[r.rule, r.text] | some r in chosen])
]

obligations("deny", _) := []

obligations(effect, owed) := [o | some o in owed] if effect != "deny"
