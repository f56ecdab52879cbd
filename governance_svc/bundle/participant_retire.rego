# participant.retire (Algorithm 6): who may end a membership.
package phoenix.participant.retire

import data.phoenix.callers
import data.phoenix.verdict as answers

participant := object.get(input, "participant", {})

verdict := answers.of(
	"phoenix.participant.retire",
	{"allow": allow, "deny": deny, "ask": set(), "obligations": set()},
)

allow contains {
	"rule": "retire",
	"text": sprintf("%s may be retired (%s).", [participant.id, input.mode]),
	"remedy": "",
} if {
	authorized
	input.mode in {"graceful", "immediate"}
}

authorized if callers.is_participant(input.caller, participant.id)

authorized if callers.is_operator(input.caller)

deny contains {
	"rule": "identity",
	"text": "Only the participant itself or an operator retires it.",
	"remedy": "Ask an operator.",
} if {
	not authorized
}

deny contains {
	"rule": "mode",
	"text": "Retirement is graceful or immediate.",
	"remedy": "Name one of the two.",
} if {
	not input.mode in {"graceful", "immediate"}
}
