# participant.join (Algorithm 1): who may enter, and what of its claims is granted.
package phoenix.participant.join

import data.catalogue
import data.phoenix.callers
import data.phoenix.grants
import data.phoenix.verdict as answers
import data.phoenix.words

claims := object.get(input, "claims", {})

owner := object.get(claims, "owner", "")

verdict := answers.with_facts(
	"phoenix.participant.join",
	{"allow": allow, "deny": deny, "ask": set(), "obligations": set()},
	{"grants": granted},
)

granted := grants.of(claims, owner) if {
	count(allow) > 0
	count(deny) == 0
} else := null

allow contains {
	"rule": "join",
	"text": sprintf("%s may join as %s of %s.", [claims.id, claims.type, owner]),
	"remedy": remedy,
} if {
	is_string(claims.id)
	object.get(input, "existing", "unsaid") != "unsaid"
	words.known("participant_type", claims.type)
	asked_by_right
}

# ---- identity: the credential speaks for the participant and its owner, or an operator does

asked_by_right if {
	callers.is_participant(input.caller, claims.id)
	input.caller.owner == owner
	as_enrolled
}

# Only who was enrolled as a human is one: humans decide what nobody else may.
as_enrolled if {
	input.caller.participant_type != "human"
	claims.type != "human"
}

as_enrolled if input.caller.participant_type == claims.type

asked_by_right if callers.is_operator(input.caller)

deny contains {
	"rule": "identity",
	"text": "The credential was not enrolled for this participant, its owner and its type.",
	"remedy": "Use the credential that was enrolled for this id, owner and type, or ask an operator.",
} if {
	not asked_by_right
}

deny contains {
	"rule": "owner",
	"text": "A participant is owned by an accountable entity.",
	"remedy": "Name the owner for which the participant was enrolled.",
} if {
	owner == ""
}

deny contains {
	"rule": "owner",
	"text": sprintf("Owner %s is barred.", [owner]),
	"remedy": "Ask the policy administrators.",
} if {
	grants.owner_entry(owner).barred
}

# An identity keeps its owner: otherwise its grants and its history would change hands unseen.
deny contains {
	"rule": "owner",
	"text": sprintf("%s belongs to %s.", [claims.id, input.existing.owner]),
	"remedy": "Register under the recorded owner, or choose a new id.",
} if {
	input.existing.owner != owner
}

# And its type: an agent that came back as a human could decide what it has worked on.
deny contains {
	"rule": "type",
	"text": sprintf("%s is registered as %s.", [claims.id, input.existing.type]),
	"remedy": "Register under the recorded type, or choose a new id.",
} if {
	input.existing.type != claims.type
}

deny contains {
	"rule": "retired",
	"text": sprintf("%s is retired, for ever.", [claims.id]),
	"remedy": "Choose a new id.",
} if {
	input.existing.status in {"retiring", "retired"}
}

deny contains {
	"rule": "suspended",
	"text": sprintf("%s is suspended.", [claims.id]),
	"remedy": "Ask an operator to reinstate it.",
} if {
	input.existing.status == "suspended"
}

# ---- vocabulary

deny contains refusal if some refusal in words.unknown("participant_type", [object.get(claims, "type", "")])

deny contains refusal if {
	claimed := object.get(claims, "trust_policy", "")
	claimed != ""
	some refusal in words.unknown("trust_policy", [claimed])
}

deny contains {
	"rule": "trust_policy",
	"text": sprintf("Owner %s may not choose trust policy %s.", [owner, claims.trust_policy]),
	"remedy": sprintf("Use %s.", [catalogue.default_trust_policy]),
} if {
	object.get(claims, "trust_policy", "") != ""
	not grants.entitled(owner, "trust_policies", claims.trust_policy)
}

deny contains {
	"rule": "participant_type",
	"text": sprintf("Owner %s may not register a %s.", [owner, claims.type]),
	"remedy": "Ask the policy administrators.",
} if {
	words.known("participant_type", claims.type)
	not grants.entitled(owner, "participant_types", claims.type)
}

default remedy := ""

remedy := sprintf("Have %s certified: high-risk capabilities are matched only then.", [concat(", ", sort(pending))]) if {
	pending := grants.uncertified(grants.of(claims, owner))
	count(pending) > 0
}
