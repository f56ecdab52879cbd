# participant.discover (Algorithm 2, step 4): is this candidate eligible for that requirement?
package phoenix.participant.discover

import data.phoenix.fitness
import data.phoenix.verdict as answers

# Whoever is eligible, said at once: a batch holds many candidates and most of them are.
eligible(one) := object.union(
	{
		"effect": "allow",
		"policy": "phoenix.participant.discover",
		"reasons": [{"rule": "eligible", "text": said.text}],
		"remediation": [],
		"obligations": [],
		"approvers": [],
		"grants": null,
	},
	said.judged,
) if {
	is_string(one.caller.subject)
	one.caller.subject != ""
	is_string(one.candidate.id)
	fitness.fits(one, one.requirement)
	said := fitness.said_of(one, one.requirement)
}

# For everybody else, why not. Nothing here allows.
verdict := answers.of(
	"phoenix.participant.discover",
	{"allow": set(), "deny": deny, "ask": set(), "obligations": set()},
)

deny contains shortfall if some shortfall in fitness.shortfalls

deny contains {
	"rule": "requester",
	"text": "Nobody is known to ask.",
	"remedy": "Send the credential of the requester.",
} if {
	not requester_known
}

requester_known if {
	is_string(input.caller.subject)
	input.caller.subject != ""
}
