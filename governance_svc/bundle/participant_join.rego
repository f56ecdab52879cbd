# participant.join (Algorithm 1): who may join, and which of its claims are granted.
package phoenix.participant.join

import data.catalogue
import data.phoenix.callers
import data.phoenix.grants
import data.phoenix.verdict as answers
import data.phoenix.vocabulary

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
	vocabulary.known("participant_type", claims.type)
	authorized
}

# ---- identity: the credential is the participant's and its owner's, or an operator's

authorized if {
	callers.is_participant(input.caller, claims.id)
	input.caller.owner == owner
	as_enrolled
}

# A human is only who was enrolled as one, because humans decide approvals.
as_enrolled if {
	input.caller.participant_type != "human"
	claims.type != "human"
}

as_enrolled if input.caller.participant_type == claims.type

authorized if callers.is_operator(input.caller)

deny contains {
	"rule": "identity",
	"text": "The credential was not enrolled for this participant, its owner and its type.",
	"remedy": "Use the credential that was enrolled for this id, owner and type, or ask an operator.",
} if {
	not authorized
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

# An identity keeps its owner: otherwise its grants and its history would pass to another owner unnoticed.
deny contains {
	"rule": "owner",
	"text": sprintf("%s belongs to %s.", [claims.id, input.existing.owner]),
	"remedy": "Register under the recorded owner, or choose a new id.",
} if {
	input.existing.owner != owner
}

# It keeps its type: an agent that came back as a human could decide what it has worked on.
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

deny contains refusal if some refusal in vocabulary.unknown("participant_type", [object.get(claims, "type", "")])

deny contains refusal if {
	claimed := object.get(claims, "trust_policy", "")
	claimed != ""
	some refusal in vocabulary.unknown("trust_policy", [claimed])
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
	vocabulary.known("participant_type", claims.type)
	not grants.entitled(owner, "participant_types", claims.type)
}

default remedy := ""

remedy := sprintf("Have %s certified: high-risk capabilities are matched only then.", [concat(", ", sort(pending))]) if {
	pending := grants.uncertified(grants.of(claims, owner))
	count(pending) > 0
}
