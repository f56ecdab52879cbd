# How what the rules of a point say becomes one raw verdict. Deny overrides, then a human, then allow;
# silence is a denial.
#
# `said` has four sets: allow and deny of {rule, text, remedy}, ask of {rule, text, approvers},
# obligations of {id, text, due}.
package phoenix.verdict

of(policy, said) := with_facts(policy, said, {})

with_facts(policy, said, more) := object.union(
	{
		"effect": effect(said),
		"policy": policy,
		"policy_score": 1,
		"reasons": reasons(said),
		"remediation": sort({r.remedy | some r in spoken(said); object.get(r, "remedy", "") != ""}),
		"obligations": obligations(said),
		"approvers": sort({a | effect(said) == "require_approval"; some r in said.ask; some a in r.approvers}),
		"grants": null,
		"trust": null,
		"facts": {},
	},
	more,
)

effect(said) := "deny" if {
	count(said.deny) > 0
} else := "require_approval" if {
	count(said.ask) > 0
	count(said.allow) > 0
} else := "allow" if {
	count(said.allow) > 0
} else := "deny"

spoken(said) := said.deny if {
	effect(said) == "deny"
	count(said.deny) > 0
} else := said.ask if {
	effect(said) == "require_approval"
} else := said.allow if {
	effect(said) == "allow"
} else := {{
	"rule": "default_deny",
	"text": "No rule allows this.",
	"remedy": "Ask who is responsible for the policy bundle.",
}}

# A paragraph for people: sorted by rule, so that the same input always reads the same.
reasons(said) := [{"rule": pair[0], "text": pair[1]} |
	some pair in sort([[r.rule, r.text] | some r in spoken(said)])
]

obligations(said) := [] if {
	effect(said) == "deny"
} else := [o | some o in object.get(said, "obligations", set())]
