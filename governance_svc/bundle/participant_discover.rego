# participant.discover (Algorithm 2, step 4): is this candidate eligible for that requirement?
#
# A batch holds many candidates, so this point is a function of the question: with `with input as` the
# engine would work out anew for each of them what rests on the requirement alone.
package phoenix.participant.discover

import data.phoenix.fitness
import data.phoenix.verdict as answers

# Whoever is eligible, said at once; for everybody else, why not, where nothing allows.
answer(one) := {
	"effect": "allow",
	"policy": "phoenix.participant.discover",
	"reasons": [{"rule": "eligible", "text": fit.text}],
	"remediation": [],
	"obligations": [],
	"approvers": [],
	"grants": null,
	"trust": fit.trust,
	"policy_score": fit.policy_score,
	"facts": fit.facts,
} if {
	requester_known(one.caller)
	is_string(one.candidate.id)
	fit := fitness.fit(one, one.requirement)
} else := answers.of("phoenix.participant.discover", {
	"allow": set(),
	"deny": (fitness.shortfalls(one) | unasked(one)),
	"ask": set(),
	"obligations": set(),
})

unasked(one) := set() if {
	requester_known(one.caller)
} else := {{
	"rule": "requester",
	"text": "Nobody is known to ask.",
	"remedy": "Send the credential of the requester.",
}}

requester_known(caller) if {
	is_string(caller.subject)
	caller.subject != ""
}
