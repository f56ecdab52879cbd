# participant.discover (Algorithm 2, step 4): is this candidate eligible for that requirement?
#
# A batch holds many candidates, so this point is a function of all inputs, in passes: who is eligible, who lacks
# something although trusted, who else is not, and whose input is no ordinary one. What is evaluated for each
# candidate stands in the passes themselves, since a call of a rule for each would cost as much again; what
# candidates share is a rule, whose answers the engine remembers. It remembers numbers badly (all fractions below
# one have the same hash), so trust is no argument. Of each verdict they leave out the fields that are empty.
package phoenix.participant.discover

import data.phoenix.eligibility
import data.phoenix.verdict as answers

answers_to(inputs) := [answers[i] | some i, _ in inputs] if {
	answers := complete(inputs, allowed(inputs))
}

complete(inputs, eligible) := eligible if {
	count(eligible) == count(inputs)
} else := answers if {
	answers := object.union(eligible, unfit(inputs, eligible))
	count(answers) == count(inputs)
} else := object.union(answers, {i: answer(one) | some i, one in inputs; not answers[i]}) if {
	found := object.union(eligible, unfit(inputs, eligible))
	answers := object.union(found, refused(inputs, found))
}

allowed(inputs) := {i: verdict |
	some i, one in inputs
	is_string(one.caller.subject)
	one.caller.subject != ""
	candidate := one.candidate
	is_string(candidate.id)
	standing := eligibility.standing_of(
		one.requirement,
		candidate.status,
		object.get(candidate, "capabilities", []),
		object.get(candidate, "data_domains", []),
		candidate.permissions,
		object.get(candidate, "trust_policy", ""),
	)
	standing.fits
	trusts := one.trust.by_capability
	totals := [total | some c in standing.capabilities; total := trusts[c].total; is_number(total)]
	count(totals) == standing.needed
	least := min(totals)
	least >= standing.threshold
	certified := {c | some c in standing.capabilities; trusts[c].certified == true}
	verdict := object.union(allowance(standing, certified), {"trust": least})
}

# Trusted enough, and something else is lacking: most of those who are refused.
unfit(inputs, eligible) := {i: verdict |
	some i, one in inputs
	not eligible[i]
	is_string(one.caller.subject)
	one.caller.subject != ""
	candidate := one.candidate
	is_string(candidate.id)
	trusts := one.trust.by_capability
	is_object(trusts)
	limits := eligibility.limits_of(one.requirement, object.get(candidate, "trust_policy", ""))
	totals := [total | some c in limits.capabilities; total := trusts[c].total; is_number(total)]
	count(totals) == limits.needed
	min(totals) >= limits.threshold
	template := eligibility.template(
		one.requirement,
		candidate.status,
		candidate.capabilities,
		candidate.data_domains,
		candidate.permissions,
		{c | some c in limits.high_risk; trusts[c].certified == true},
	)
	template.refuses
	verdict := {
		"effect": "deny",
		"policy": "phoenix.participant.discover",
		"reasons": [{"rule": reason.rule, "text": concat(candidate.id, reason.parts)} | some reason in template.reasons],
		"remediation": template.remediation,
	}
}

refused(inputs, found) := {i: verdict |
	some i, one in inputs
	not found[i]
	requester_known(one.caller)
	candidate := one.candidate
	is_string(candidate.id)
	trusts := one.trust.by_capability
	is_object(trusts)
	certified := {c | some c in eligibility.high_risk(one.requirement); trusts[c].certified == true}
	template := eligibility.template(
		one.requirement,
		candidate.status,
		candidate.capabilities,
		candidate.data_domains,
		candidate.permissions,
		certified,
	)
	doubts := eligibility.distrusted(one, one.requirement)
	count(template.reasons) + count(doubts) > 0
	verdict := {
		"effect": "deny",
		"policy": "phoenix.participant.discover",
		"reasons": array.concat(
			[{"rule": reason.rule, "text": concat(candidate.id, reason.parts)} | some reason in template.reasons],
			[{"rule": doubt.rule, "text": doubt.text} | some doubt in doubts],
		),
		"remediation": sort({remedy | some remedy in template.remediation} | {doubt.remedy | some doubt in doubts}),
	}
}

allowance(standing, certified) := allowance_of(eligibility.description_of(standing, certified)) if {
	eligibility.covers(certified, standing.high_risk)
}

allowance_of(description) := {
	"effect": "allow",
	"policy": "phoenix.participant.discover",
	"reasons": [{"rule": "eligible", "text": description.text}],
	"policy_score": description.policy_score,
	"facts": description.facts,
}

# One by one: for an input that lacks something, or a requirement without capabilities.
answer(one) := object.union(
	{"remediation": [], "obligations": [], "approvers": [], "grants": null, "trust": eligible.trust},
	allowance_of(eligible),
) if {
	requester_known(one.caller)
	is_string(one.candidate.id)
	eligible := eligibility.eligible(one, one.requirement)
} else := answers.of("phoenix.participant.discover", {
	"allow": set(),
	"deny": (eligibility.shortfalls(one) | without_caller(one)),
	"ask": set(),
	"obligations": set(),
})

without_caller(one) := set() if {
	requester_known(one.caller)
} else := {{
	"rule": "requester",
	"text": "The input has no caller.",
	"remedy": "Send the credential of the requester.",
}}

requester_known(caller) if {
	is_string(caller.subject)
	caller.subject != ""
}
