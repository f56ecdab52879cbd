package phoenix.task_test

import data.phoenix.fixtures_test as f

# ---- task.submit

submit(changes) := f.ask("task.submit", object.union(
	{"caller": f.submitter, "task": f.merge_review, "parent": null},
	changes,
))

test_the_papers_tasks_are_submitted if {
	submit({}).effect == "allow"
	f.ask("task.submit", {"caller": f.operator, "task": f.code_change, "parent": null}).effect == "allow"
}

test_what_the_catalogue_does_not_know_is_refused_with_the_nearest_name if {
	verdict := submit({"task": {
		"required_capabilities": ["duplicate_detecton"],
		"data_domains": ["custommer_master"],
		"policy_constraints": ["human_aproval_required"],
		"risk_level": "hih",
	}})
	verdict.effect == "deny"
	f.rules(verdict) == {"known_capability", "known_data_domain", "known_constraint", "known_risk_level"}
	verdict.remediation == [
		"Use customer_master, or have custommer_master added to the catalogue.",
		"Use duplicate_detection, or have duplicate_detecton added to the catalogue.",
		"Use high, or have hih added to the catalogue.",
		"Use human_approval_required, or have human_aproval_required added to the catalogue.",
	]
}

test_a_name_that_resembles_nothing_gets_no_suggestion if {
	verdict := submit({"task": {"required_capabilities": ["xyzzy"]}})
	verdict.reasons[0].text == "The catalogue knows no capability xyzzy."
}

test_a_task_asks_for_at_least_one_capability if {
	f.rules(submit({"task": {"required_capabilities": []}})) == {"input"}
}

test_a_participant_without_the_role_submits_no_task_of_its_own if {
	f.rules(submit({"caller": f.steward_caller})) == {"submitter"}
}

parent := {
	"task_id": "task.customer-merge-review.8841",
	"assignee": "agent.customer-steward.001",
	"data_domains": ["customer_master"],
	"policy_constraints": ["human_approval_required_for_merge", "human_approval_required"],
	"risk_level": "medium",
}

child := {
	"task_id": "task.merge-policy-check.1",
	"required_capabilities": ["policy_check"],
	"data_domains": [],
	"risk_level": "low",
	"policy_constraints": ["human_approval_required_for_merge"],
}

bear(changes) := f.ask("task.submit", object.union(
	{"caller": f.steward_caller, "task": child, "parent": parent},
	changes,
))

test_an_assignee_submits_a_child_for_the_policy_agents_opinion if bear({}).effect == "allow"

test_nobody_but_the_assignee_submits_a_child if {
	bear({"caller": f.submitter}).effect == "deny"
	bear({"parent": {"assignee": "agent.other"}}).effect == "deny"
}

test_a_child_stays_within_its_parents_domains if {
	f.rules(bear({"task": {"data_domains": ["supplier_master"]}})) == {"child_domains"}
}

test_a_child_keeps_what_binds_its_parents_operations if {
	verdict := bear({"task": {"policy_constraints": []}})
	f.rules(verdict) == {"child_constraints"}
	verdict.remediation == ["Add human_approval_required_for_merge to the child's policy_constraints."]
}

# ---- handoff.initiate

backup := object.union(f.steward, {"id": "agent.customer-steward.002"})

handoff(changes) := f.ask("handoff.initiate", object.union(
	{
		"caller": f.service,
		"task": f.merge_review,
		"source": f.steward,
		"target": backup,
		"reason": "participant_failed",
		"approvals": [],
	},
	changes,
))

test_a_backup_steward_may_take_over if {
	verdict := handoff({})
	verdict.effect == "allow"
	verdict.obligations[0].id == "human_approval_required_for_merge"
}

test_a_task_is_not_handed_to_whom_it_leaves if f.rules(handoff({"target": f.steward})) == {"distinct_target"}

test_the_context_goes_only_where_its_domains_are_granted if {
	f.rules(handoff({"target": {"data_domains": ["supplier"]}})) == {"data_domains"}
}

test_a_target_that_is_not_there_is_refused if {
	f.rules(handoff({"target": {"status": "failed"}})) == {"active"}
	handoff({"target": {"status": null}}).effect == "deny"
}

test_a_handoff_states_its_reason if f.rules(handoff({"reason": ""})) == {"reason"}

test_a_constraint_keeps_a_task_with_its_owner if {
	task := {"policy_constraints": ["no_handoff_across_owners"]}
	handoff({"task": task}).effect == "allow"
	f.rules(handoff({"task": task, "target": {"owner": "finance"}})) == {"no_handoff_across_owners"}
	handoff({"task": task, "source": {"owner": null}}).effect == "deny"
}

test_a_human_clears_one_target if {
	task := {"policy_constraints": ["human_approval_required_for_handoff"]}
	yes := object.union(f.yes, {"action": "handoff", "subject_hash": "sha256:target-2"})
	handoff({"task": task}).effect == "require_approval"
	handoff({"task": task, "approvals": [yes], "subject_hash": "sha256:target-2"}).effect == "allow"
	handoff({"task": task, "approvals": [yes], "subject_hash": "sha256:target-3"}).effect == "require_approval"
}

# ---- task.complete

complete(changes) := f.ask("task.complete", object.union(
	{
		"caller": f.steward_caller,
		"task": f.merge_review,
		"assignee": f.steward,
		"result_hash": "sha256:result",
		"open_obligations": [],
		"approvals": [],
	},
	changes,
))

test_a_result_ends_its_task if complete({}).effect == "allow"

test_an_obligation_that_is_due_keeps_the_task_open if {
	due := {"id": "decision_rationale", "text": "Say why.", "due": "before_complete"}
	verdict := complete({"open_obligations": [due]})
	f.rules(verdict) == {"open_obligation"}
	complete({"open_obligations": [object.union(due, {"due": "always"})]}).effect == "allow"
	complete({"open_obligations": null}).effect == "deny"
}

test_a_denial_says_what_meets_the_obligation if {
	rationale := {"id": "decision_rationale", "text": "Say why.", "due": "before_complete", "met_by": "decision"}
	some told in complete({"open_obligations": [rationale]}).remediation
	contains(told, "{\"obligation\": \"decision_rationale\", \"decision\": \"…\"}")
	published := {"id": "p", "text": "T.", "due": "before_complete", "met_by": "approval", "action": "publish"}
	some asked in complete({"open_obligations": [published]}).remediation
	contains(asked, "approve publish (AuthorizeAction)")
}

approved_result := {
	"id": "four_eyes", "text": "A human sees the result.", "due": "before_complete",
	"met_by": "approval", "action": "complete",
}

test_an_obligation_that_the_results_approval_meets_is_asked_about if {
	ungated := {"policy_constraints": []}
	asked := complete({"task": ungated, "open_obligations": [approved_result]})
	asked.effect == "require_approval"
	f.rules(asked) == {"open_obligation"}
	asked.approvers == ["reviewer"]
	complete({"task": ungated, "open_obligations": [approved_result], "approvals": [result_yes]}).effect == "allow"
}

test_a_result_that_a_gate_asks_about_is_asked_about_once if {
	owed := object.union(approved_result, {"id": "human_approval_required"})
	f.rules(complete({"task": gated, "open_obligations": [owed]})) == {"human_approval_required"}
	complete({"task": gated, "open_obligations": [owed], "approvals": [result_yes]}).effect == "allow"
}

test_an_obligation_says_of_which_action_an_approval_meets_it if {
	some owed in handoff({"task": gated}).obligations
	[owed.due, owed.met_by, owed.action] == ["before_complete", "approval", "complete"]
	some merging in handoff({}).obligations
	merging.due == "always"
	not merging.met_by
}

gated := {"policy_constraints": ["human_approval_required"]}

result_yes := object.union(f.yes, {"action": "complete", "subject_hash": "sha256:result"})

test_a_human_approves_exactly_this_result if {
	complete({"task": gated}).effect == "require_approval"
	complete({"task": gated, "approvals": [result_yes]}).effect == "allow"
	complete({"task": gated, "approvals": [object.union(result_yes, {"action": "task.complete"})]}).effect == "allow"
	complete({"task": gated, "approvals": [result_yes], "result_hash": "sha256:other"}).effect == "require_approval"
}

test_a_result_whose_owner_has_died_since_may_still_be_approved if {
	complete({"task": gated, "assignee": null, "approvals": [result_yes]}).effect == "allow"
}
