# participant.discover (Algorithm 2, step 4): is this candidate eligible for that requirement?
package phoenix.participant.discover

import data.phoenix.fitness
import data.phoenix.verdict as answers

candidate := object.get(input, "candidate", {})

wanted := object.get(input, "requirement", {})

trust := object.get(input, "trust", {})

shortfalls := fitness.shortfalls(candidate, wanted, trust)

verdict := answers.with_facts(
	"phoenix.participant.discover",
	{"allow": allow, "deny": deny, "ask": set(), "obligations": set()},
	more,
)

more := {
	"trust": fitness.least(wanted, trust),
	"policy_score": fitness.policy_score(candidate, wanted),
	"facts": fitness.facts(wanted, trust),
} if {
	count(shortfalls) == 0
} else := {}

allow contains {"rule": "eligible", "text": fitness.explanation(candidate, wanted, trust), "remedy": ""} if {
	count(shortfalls) == 0
	requester_known
}

requester_known if {
	is_string(input.caller.subject)
	input.caller.subject != ""
}

deny contains shortfall if some shortfall in shortfalls

deny contains {
	"rule": "requester",
	"text": "Nobody is known to ask.",
	"remedy": "Send the credential of the requester.",
} if {
	not requester_known
}
