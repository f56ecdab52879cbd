# participant.remain: evaluated after policy, trust or a certification has changed. A denial suspends.
package phoenix.participant.remain

import data.catalogue
import data.phoenix.grants
import data.phoenix.permissions
import data.phoenix.verdict as answers
import data.phoenix.vocabulary

participant := object.get(input, "participant", {})

floor := catalogue.trust_policies[permissions.trust_policy(object.get(participant, "trust_policy", ""))].remain

verdict := answers.with_facts(
	"phoenix.participant.remain",
	{"allow": allow, "deny": deny, "ask": set(), "obligations": set()},
	{"grants": granted, "trust": object.get(input, ["trust", "general"], null)},
)

# Grants are judged anew where the input has the claims: a new policy may grant less.
granted := grants.of(participant.claims, participant.owner) if {
	count(allow) > 0
	count(deny) == 0
} else := null

allow contains {
	"rule": "remain",
	"text": sprintf("%s keeps its membership.", [participant.id]),
	"remedy": "",
} if {
	is_string(participant.owner)
	vocabulary.known("participant_type", participant.type)
	input.trust.general >= floor
}

deny contains refusal if some refusal in vocabulary.unknown("participant_type", [object.get(participant, "type", "")])

deny contains {
	"rule": "owner",
	"text": sprintf("Owner %s is barred.", [participant.owner]),
	"remedy": "Ask the policy administrators.",
} if {
	grants.owner_entry(participant.owner).barred
}

deny contains {
	"rule": "participant_type",
	"text": sprintf("Owner %s may no longer run a %s.", [participant.owner, participant.type]),
	"remedy": "Ask the policy administrators.",
} if {
	not grants.entitled(participant.owner, "participant_types", participant.type)
}

deny contains {
	"rule": "trust_ok",
	"text": sprintf("Trust %v is below %v, what membership asks for.", [round(input.trust.general * 1000) / 1000, floor]),
	"remedy": "Have an operator review its history and reinstate it.",
} if {
	input.trust.general < floor
}
