# participant.discover (Algorithm 2, step 4): is this candidate eligible for that requirement?
#
# A batch holds many candidates, so this point is a function of the input: with `with input as` the
# engine would evaluate anew for each of them what depends on the requirement alone.
package phoenix.participant.discover

import data.phoenix.eligibility
import data.phoenix.verdict as answers

# An eligible candidate is answered at once; for any other the refusals are collected.
answer(one) := {
	"effect": "allow",
	"policy": "phoenix.participant.discover",
	"reasons": [{"rule": "eligible", "text": eligible.text}],
	"remediation": [],
	"obligations": [],
	"approvers": [],
	"grants": null,
	"trust": eligible.trust,
	"policy_score": eligible.policy_score,
	"facts": eligible.facts,
} if {
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
