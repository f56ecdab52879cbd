# How what the rules of a point say becomes one raw verdict. Deny overrides, then a human, then allow;
# silence is a denial.
#
# `said` has four sets: allow and deny of {rule, text, remedy}, ask of {rule, text, approvers},
# obligations of {id, text, due}.
package phoenix.verdict

of(policy, said) := with_facts(policy, said, {})

with_facts(policy, said, more) := object.union(
	{
		"effect": effect,
		"policy": policy,
		"policy_score": 1,
		"reasons": reasons(spoken),
		"remediation": sort({r.remedy | some r in spoken; object.get(r, "remedy", "") != ""}),
		"obligations": obligations(effect, said.obligations),
		"approvers": sort({a | some r in spoken; some a in object.get(r, "approvers", [])}),
		"grants": null,
		"trust": null,
		"facts": {},
	},
	more,
) if {
	effect := heard(count(said.deny), count(said.ask), count(said.allow))
	spoken := speaking(effect, said)
}

heard(denials, asks, allows) := "deny" if {
	denials > 0
} else := "require_approval" if {
	asks > 0
	allows > 0
} else := "allow" if {
	allows > 0
} else := "deny"

speaking("deny", said) := said.deny if {
	count(said.deny) > 0
} else := {{
	"rule": "default_deny",
	"text": "No rule allows this.",
	"remedy": "Ask who is responsible for the policy bundle.",
}}

speaking("require_approval", said) := said.ask

speaking("allow", said) := said.allow

# A paragraph for people: sorted by rule, so that the same input always reads the same.
reasons(spoken) := [{"rule": pair[0], "text": pair[1]} |
	some pair in sort([[r.rule, r.text] | some r in spoken])
]

obligations("deny", _) := []

obligations(effect, owed) := [o | some o in owed] if effect != "deny"
