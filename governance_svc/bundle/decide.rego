# The only entry point: `data.phoenix.decide` with {"point": "...", "inputs": [...]} answers one raw
# verdict for each input, in the same order. An input that no rule answers is denied.
package phoenix

import data.phoenix.own_rules

decide := [answer(input.point, one) | some one in input.inputs]

answer(point, one) := verdict if {
	verdict := own_rules.with_own(point, one, verdict_at(point, one))
} else := {
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

verdict_at("participant.join", one) := v if v := data.phoenix.participant.join.verdict with input as one

verdict_at("capability.update", one) := v if v := data.phoenix.capability.update.verdict with input as one

verdict_at("participant.discover", one) := data.phoenix.participant.discover.answer(one)

verdict_at("participant.remain", one) := v if v := data.phoenix.participant.remain.verdict with input as one

verdict_at("participant.retire", one) := v if v := data.phoenix.participant.retire.verdict with input as one

verdict_at("task.submit", one) := v if v := data.phoenix.task.submit.verdict with input as one

verdict_at("task.assign", one) := v if v := data.phoenix.task.assign.verdict with input as one

verdict_at("data.operate", one) := v if v := data.phoenix.data_operate.verdict with input as one

verdict_at("handoff.initiate", one) := v if v := data.phoenix.handoff.initiate.verdict with input as one

verdict_at("task.complete", one) := v if v := data.phoenix.task.complete.verdict with input as one

verdict_at("approval.decide", one) := v if v := data.phoenix.approval.decide.verdict with input as one

verdict_at("policy.activate", one) := v if v := data.phoenix.policy.activate.verdict with input as one

verdict_at("audit.read", one) := v if v := data.phoenix.audit.read.verdict with input as one
