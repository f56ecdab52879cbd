# participant.discover (Algorithm 2, step 4): is this candidate eligible for that requirement?
#
# `answer` says it of one input. A batch holds many candidates, and those with the same grants and certificates are told
# the same, but for their ids and their trust: `shared` says it of such a group, once. A verdict that several share has
# its places in the batch (`at`), what of it is each one's own, by field (`own`), and in place of a reason's text its
# `parts`, between which stands the candidate's id, or what each one has in `with`. The runtime puts the verdicts together.
package phoenix.participant.discover

import data.phoenix.eligibility
import data.phoenix.verdict as answers

answer(one) := object.union(allowance(fit.description), {"trust": least}) if {
	is_string(one.caller.subject)
	one.caller.subject != ""
	is_string(one.candidate.id)
	fit := eligibility.fitting(one, one.requirement)
	least := eligibility.least_of(one, fit.capabilities)
	least >= fit.threshold
} else := answers.of("phoenix.participant.discover", {
	"allow": set(),
	"deny": (eligibility.shortfalls(one) | without_caller(one)),
	"ask": set(),
	"obligations": set(),
})

# Undefined for what is no ordinary group: then each of its candidates is judged by itself. `asked` is what all of them
# have in common; `capabilities` and `totals`, a row for each candidate, are their trust.
shared(asked, group) := [told(asked, group.at, leasts)] if {
	limits := limits_of(asked, group.capabilities)
	leasts := [min(totals) | some totals in group.totals]
	min(leasts) >= limits.threshold
} else := [doubted(asked, group.at, leasts, limits)] if {
	limits := limits_of(asked, group.capabilities)
	leasts := [min(totals) | some totals in group.totals]
	max(leasts) < limits.threshold
} else := [
	told(asked, [group.at[i] | some i in trusted], [leasts[i] | some i in trusted]),
	doubted(asked, [group.at[i] | some i in others], [leasts[i] | some i in others], limits),
] if {
	limits := limits_of(asked, group.capabilities)
	leasts := [min(totals) | some totals in group.totals]
	trusted := [i | some i, least in leasts; least >= limits.threshold]
	others := [i | some i, least in leasts; least < limits.threshold]
}

limits_of(asked, capabilities) := {"trust_policy": trust_policy, "threshold": threshold} if {
	requester_known(asked.caller)
	count(capabilities) > 0
	{c | some c in asked.requirement.required_capabilities} == {c | some c in capabilities}
	trust_policy := object.get(asked.candidate, "trust_policy", "")
	threshold := eligibility.threshold_of(trust_policy, asked.requirement)
}

# Those who are trusted: they fit, or lack something else.
told(asked, at, leasts) := {"verdict": allowance(fit.description), "at": at, "own": {"trust": leasts}} if {
	fit := eligibility.fitting(asked, asked.requirement)
} else := {"verdict": denial(lacking.reasons, lacking.remediation), "at": at, "own": {}} if {
	lacking := eligibility.lacking(asked, asked.requirement)
	count(lacking.reasons) > 0
}

doubted(asked, at, leasts, limits) := {"verdict": denial(reasons, remediation), "at": at, "own": {}} if {
	lacking := eligibility.lacking(asked, asked.requirement)
	doubt := eligibility.doubt(eligibility.hole, limits.threshold, limits.trust_policy, asked.requirement)
	reasons := array.concat(lacking.reasons, [{
		"rule": doubt.rule,
		"parts": split(doubt.text, eligibility.hole),
		"with": [sprintf("%v", [eligibility.shown(least)]) | some least in leasts],
	}])
	remediation := sort({remedy | some remedy in lacking.remediation} | {doubt.remedy})
}

allowance(description) := {
	"effect": "allow",
	"policy": "phoenix.participant.discover",
	"policy_score": description.policy_score,
	"reasons": [{"rule": "eligible", "text": description.text}],
	"remediation": [],
	"obligations": [],
	"approvers": [],
	"grants": null,
	"facts": description.facts,
}

# A field that is left out is empty.
denial(reasons, remediation) := {
	"effect": "deny",
	"policy": "phoenix.participant.discover",
	"reasons": reasons,
	"remediation": remediation,
}

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
