# The only entry point: `data.phoenix.decide` with {"point": "...", "inputs": [...]} answers one raw
# verdict for each input, in the same order. An input that no rule answers is denied.
package phoenix

import data.phoenix.own_rules

# Whether an installation has rules of its own at this point is asked once a batch.
decide := [data.phoenix.participant.discover.answer(one) | some one in input.inputs] if {
	input.point == "participant.discover"
	not data.phoenix.own.participant_discover
} else := [answer(input.point, one) | some one in input.inputs] if {
	not own_rules.exist(input.point)
} else := [answer_with_own(input.point, one) | some one in input.inputs]

# Verdicts that several inputs share, for the groups of a batch as the runtime carries it (inspector.rego). Whoever is
# told nothing here is judged by `decide`.
decide_groups := [verdict |
	some group in input.groups
	some verdict in data.phoenix.participant.discover.shared(object.union(input.common, group.alike), group)
] if {
	input.point == "participant.discover"
	not data.phoenix.own.participant_discover
}

answer(point, one) := verdict if {
	verdict := verdict_at(point, one)
} else := no_answer(point)

answer_with_own(point, one) := verdict if {
	verdict := own_rules.with_own(point, one, verdict_at(point, one))
} else := no_answer(point)

no_answer(point) := {
	"effect": "deny",
	"policy": "phoenix",
	"policy_score": 0,
	"reasons": [{
		"rule": "undefined",
		"text": sprintf("No policy answers %v for this input.", [point]),
	}],
	"remediation": ["Send a decision point and an input that the bundle describes."],
	"obligations": [],
	"approvers": [],
	"grants": null,
	"trust": null,
	"facts": {},
}

# The engine looks a rule up by what its body compares, and not by a constant among its arguments.
verdict_at(point, one) := v if {
	point == "participant.join"
	v := data.phoenix.participant.join.verdict with input as one
}

verdict_at(point, one) := v if {
	point == "capability.update"
	v := data.phoenix.capability.update.verdict with input as one
}

verdict_at(point, one) := data.phoenix.participant.discover.answer(one) if point == "participant.discover"

verdict_at(point, one) := v if {
	point == "participant.remain"
	v := data.phoenix.participant.remain.verdict with input as one
}

verdict_at(point, one) := v if {
	point == "participant.retire"
	v := data.phoenix.participant.retire.verdict with input as one
}

verdict_at(point, one) := v if {
	point == "task.submit"
	v := data.phoenix.task.submit.verdict with input as one
}

verdict_at(point, one) := data.phoenix.task.assign.answer(one) if point == "task.assign"

verdict_at(point, one) := v if {
	point == "data.operate"
	v := data.phoenix.data_operate.verdict with input as one
}

verdict_at(point, one) := v if {
	point == "handoff.initiate"
	v := data.phoenix.handoff.initiate.verdict with input as one
}

verdict_at(point, one) := v if {
	point == "task.complete"
	v := data.phoenix.task.complete.verdict with input as one
}

verdict_at(point, one) := v if {
	point == "approval.decide"
	v := data.phoenix.approval.decide.verdict with input as one
}

verdict_at(point, one) := v if {
	point == "policy.activate"
	v := data.phoenix.policy.activate.verdict with input as one
}

verdict_at(point, one) := v if {
	point == "audit.read"
	v := data.phoenix.audit.read.verdict with input as one
}
