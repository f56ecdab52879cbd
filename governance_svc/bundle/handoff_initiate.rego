# handoff.initiate (Algorithm 5, step 6), evaluated for each target: may this task and its context move there?
package phoenix.handoff.initiate

import data.phoenix.gates
import data.phoenix.verdict as answers
import data.phoenix.vocabulary

task := object.get(input, "task", {})

target := object.get(input, "target", {})

policy_input := object.union({"approvals": []}, input)

facts := {
	"point": "handoff.initiate",
	"reason": object.get(input, "reason", ""),
	"across_owners": across_owners,
}

# A lost source may be unknown; then the stricter rule applies.
default across_owners := true

across_owners := false if input.source.owner == target.owner

verdict := answers.of(
	"phoenix.handoff.initiate",
	{"allow": allow, "deny": deny, "ask": gates.asks(policy_input, facts), "obligations": gates.obligations(task)},
)

allow contains {
	"rule": "handoff",
	"text": sprintf("%s may take over with its context (%s).", [target.id, facts.reason]),
	"remedy": "",
} if {
	is_string(target.id)
	target.status in {"active", "degraded"}
	object.get(input, ["source", "id"], "") != target.id
	facts.reason != ""
	count(vocabulary.expand(task.data_domains) - {d | some d in target.data_domains}) == 0
	is_array(task.data_domains)
	count(vocabulary.unknown("data_domain", task.data_domains)) == 0
	gates.unobjected(policy_input, facts)
}

deny contains refusal if some refusal in gates.refusals(policy_input, facts)

deny contains refusal if some refusal in vocabulary.unknown("data_domain", task.data_domains)

deny contains {
	"rule": "distinct_target",
	"text": "A task is not handed to the participant that it leaves.",
	"remedy": "Choose another target, or let the participant resume.",
} if {
	input.source.id == target.id
}

deny contains {
	"rule": "active",
	"text": sprintf("Target %v is %v.", [target.id, target.status]),
	"remedy": "Choose a target that is active.",
} if {
	not target.status in {"active", "degraded"}
}

# The context holds governed data: its receiver must be granted its domains.
deny contains {
	"rule": "data_domains",
	"text": sprintf("The context holds data of %s, which %s is not granted.", [concat(", ", sort(outside)), target.id]),
	"remedy": "Choose a target with these data domains.",
} if {
	outside := vocabulary.expand(task.data_domains) - {d | some d in target.data_domains}
	count(outside) > 0
}

deny contains {
	"rule": "reason",
	"text": "A handoff states its reason.",
	"remedy": "Name the reason.",
} if {
	facts.reason == ""
}
