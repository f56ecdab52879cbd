package phoenix.operate_test

import data.phoenix.fixtures_test as f

reading := {
	"caller": f.steward_caller,
	"task": f.merge_review,
	"assignee": f.steward,
	"kind": "data_read",
	"name": "read_candidates",
	"domain": "customer_master",
	"subject_hash": "sha256:read",
	"approvals": [],
}

operate(changes) := f.ask("data.operate", object.union(reading, changes))

test_the_steward_reads_the_customer_domain if {
	verdict := operate({})
	verdict.effect == "allow"
	verdict.reasons[0].text == "agent.customer-steward.001 may read customer_master in this task."
}

test_without_a_named_domain_every_domain_of_the_task_is_judged if {
	operate({"domain": ""}).effect == "allow"
	wide := {"data_domains": ["customer_master", "customer_contact"]}
	f.rules(operate({"domain": "", "task": wide})) == {"permission"}
}

test_a_domain_outside_the_task_is_refused if {
	f.rules(operate({"domain": "customer_contact", "assignee": {"permissions": ["read_customer"]}})) == {"task_domains"}
	"known_data_domain" in f.rules(operate({"domain": "custommer"}))
}

test_a_permission_that_is_missing_is_named_with_those_that_would_do if {
	verdict := operate({"assignee": {"permissions": []}})
	f.rules(verdict) == {"permission"}
	verdict.remediation == ["Claim one of: merge_customer_master, read_customer, read_customer_master, suggest_merge."]
}

test_a_permission_counts_only_where_the_domain_is_granted if {
	f.rules(operate({"assignee": {"data_domains": ["supplier"]}})) == {"permission"}
}

test_each_kind_needs_its_own_action if {
	operate({"kind": "tool_invocation", "name": "match_records"}).effect == "allow"
	f.rules(operate({"kind": "data_mutation", "name": "correct_address"})) == {"permission"}
	writer := {"permissions": ["write_customer_master"]}
	operate({"kind": "data_mutation", "name": "correct_address", "assignee": writer}).effect == "allow"
	f.rules(operate({"kind": "final_action", "name": "publish", "assignee": writer})) == {"permission"}
	"known_operation_kind" in f.rules(operate({"kind": "data_erasure"}))
}

test_reading_happens_somewhere_and_answering_need_not if {
	nowhere := {"domain": "", "task": {"data_domains": []}}
	f.rules(operate(nowhere)) == {"input"}
	operate(object.union(nowhere, {"kind": "final_action", "name": "answer"})).effect == "allow"
}

test_only_who_stands_operates if {
	operate({"assignee": {"status": "degraded"}}).effect == "allow"
	f.rules(operate({"assignee": {"status": "suspended"}})) == {"active"}
	operate({"assignee": {"status": null}}).effect == "deny"
}

test_a_constraint_forbids_what_it_names if {
	bound := {"policy_constraints": ["no_direct_write"]}
	writer := {"permissions": ["write_customer_master", "suggest_merge"]}
	f.rules(operate({"kind": "data_mutation", "name": "correct", "task": bound, "assignee": writer})) == {"no_direct_write"}
	operate({"task": bound}).effect == "allow"
}

# ---- the merge

merging := {"kind": "final_action", "name": "merge", "subject_hash": "sha256:proposal"}

merge(changes) := operate(object.union(merging, changes))

test_a_merge_waits_for_a_human if {
	verdict := merge({})
	verdict.effect == "require_approval"
	verdict.approvers == ["reviewer"]
	f.rules(verdict) == {"human_approval_required_for_merge"}
}

test_a_merge_by_writing_waits_for_a_human_too if {
	merger := {"permissions": ["merge_customer_master"]}
	merge({"kind": "data_mutation", "assignee": merger}).effect == "require_approval"
	merge({"kind": "data_mutation", "assignee": merger, "approvals": [f.yes]}).effect == "allow"
}

test_writing_it_otherwise_does_not_open_the_gate if merge({"name": "Merge"}).effect == "require_approval"

test_a_yes_to_exactly_this_content_opens_the_gate if {
	verdict := merge({"approvals": [f.yes]})
	verdict.effect == "allow"
	"approved_content" in {o.id | some o in verdict.obligations}
}

test_a_yes_to_anything_else_does_not if {
	every change in [
		{"subject_hash": "sha256:other"},
		{"action": "publish"},
		{"task_id": "task.other"},
		{"status": "pending"},
		{"status": "cancelled"},
		{"decided_by": ""},
		{"decided_by": "agent.customer-steward.001"},
		{"decided_by": "sam"},
		{"decider": {"type": "agent"}},
		{"decider": {"status": "suspended"}},
	] {
		merge({"approvals": [object.union(f.yes, change)]}).effect == "require_approval"
	}
}

test_a_yes_to_a_result_is_no_yes_to_an_action if {
	merge({"approvals": [object.union(f.yes, {"action": "complete"})]}).effect == "require_approval"
	merge({"approvals": [object.union(f.yes, {"action": "data.operate"})]}).effect == "require_approval"
}

test_no_subject_is_no_yes if {
	merge({"subject_hash": "", "approvals": [object.union(f.yes, {"subject_hash": ""})]}).effect == "require_approval"
}

test_a_no_is_remembered_for_this_content_only if {
	no := object.union(f.yes, {"approval_id": "approval.0", "status": "rejected"})
	f.rules(merge({"approvals": [no]})) == {"human_refused"}
	f.rules(merge({"approvals": [f.yes, no]})) == {"human_refused"}
	merge({"approvals": [no], "subject_hash": "sha256:revised"}).effect == "require_approval"
	f.rules(merge({"approvals": [object.union(no, {"status": "expired"})]})) == {"human_refused"}
}

test_the_retired_human_who_said_yes_has_said_it if {
	merge({"approvals": [object.union(f.yes, {"decider": {"status": "retired"}})]}).effect == "allow"
}

test_high_risk_asks_a_human_before_a_final_action_by_itself if {
	risky := {"risk_level": "high", "policy_constraints": []}
	f.rules(operate({"kind": "final_action", "name": "publish", "task": risky})) == {"risk_threshold"}
	operate({"task": risky}).effect == "allow"
}

test_what_the_catalogue_no_longer_knows_cannot_be_enforced_and_denies if {
	f.rules(operate({"task": {"policy_constraints": ["four_eyes"]}})) == {"known_constraint"}
	"known_risk_level" in f.rules(operate({"task": {"risk_level": "huge"}}))
}

# ---- an effect whose outcome nobody knows

interrupted := {
	"authorization_id": "authorization.1",
	"status": "unknown",
	"idempotent": false,
	"begun": 1,
	"begun_by": "agent.gone",
}

calling := {"kind": "tool_invocation", "name": "notify", "effect": interrupted}

test_whoever_goes_on_has_to_look if {
	verdict := operate(calling)
	f.rules(verdict) == {"outcome_unknown"}
	contains(verdict.reasons[0].text, "agent.gone")
	contains(verdict.remediation[0], "RecordEffect")
}

test_what_does_nothing_twice_may_be_repeated if {
	operate(object.union(calling, {"effect": {"idempotent": true}})).effect == "allow"
	operate({"effect": interrupted}).effect == "allow" # it reads
}

test_what_is_known_not_to_have_been_done_begins_again if {
	operate(object.union(calling, {"effect": {"status": "not_done"}})).effect == "allow"
	operate(object.union(calling, {"effect": null})).effect == "allow"
}

test_at_high_risk_a_human_says_whether_it_may_be_repeated if {
	risky := object.union(calling, {"task": {"risk_level": "high", "policy_constraints": []}})
	verdict := operate(risky)
	verdict.effect == "require_approval"
	f.rules(verdict) == {"repetition"}
	verdict.approvers == ["reviewer"]
	yes := object.union(f.yes, {"action": "notify", "subject_hash": "sha256:read"})
	operate(object.union(risky, {"approvals": [yes]})).effect == "allow"
}

test_what_needs_a_human_needs_one_again_to_be_repeated if {
	f.rules(merge({"effect": interrupted})) == {"human_approval_required_for_merge", "repetition"}
	merge({"effect": interrupted, "approvals": [f.yes]}).effect == "allow"
	merge({"effect": object.union(interrupted, {"idempotent": true}), "approvals": [f.yes]}).effect == "allow"
}

test_an_empty_question_is_denied if f.ask("data.operate", {}).effect == "deny"
