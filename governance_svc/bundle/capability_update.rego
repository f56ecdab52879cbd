# capability.update: which claims of a changed declaration are granted.
package phoenix.capability.update

import data.phoenix.callers
import data.phoenix.grants
import data.phoenix.verdict as answers

participant := object.get(input, "participant", {})

verdict := answers.with_facts(
	"phoenix.capability.update",
	{"allow": allow, "deny": deny, "ask": set(), "obligations": set()},
	{"grants": granted},
)

granted := grants.of(input.claims, participant.owner) if {
	count(allow) > 0
	count(deny) == 0
} else := null

allow contains {
	"rule": "update",
	"text": sprintf("%s may declare its capabilities anew.", [participant.id]),
	"remedy": "",
} if {
	is_object(input.claims)
	is_string(participant.owner)
	is_string(participant.status)
	authorized
}

authorized if callers.is_participant(input.caller, participant.id)

authorized if callers.is_operator(input.caller)

deny contains {
	"rule": "identity",
	"text": "The credential is not this participant's.",
	"remedy": "Use the participant's own credential, or ask an operator.",
} if {
	not authorized
}

deny contains {
	"rule": "standing",
	"text": sprintf("A participant that is %v does not change its capabilities.", [participant.status]),
	"remedy": "Ask an operator to reinstate it.",
} if {
	participant.status in {"suspended", "retiring", "retired"}
}

deny contains {
	"rule": "owner",
	"text": sprintf("Owner %s is barred.", [participant.owner]),
	"remedy": "Ask the policy administrators.",
} if {
	grants.owner_entry(participant.owner).barred
}
