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

# ---- participant.discover, task.assign

discover(changes) := f.ask("participant.discover", object.union(
	{"caller": f.submitter, "candidate": f.steward, "requirement": f.merge_review, "trust": f.steward_trust},
	changes,
))

bind(changes) := f.ask("task.assign", object.union(
	{"caller": f.service, "candidate": f.steward, "task": f.merge_review, "trust": f.steward_trust, "approvals": []},
	changes,
))

test_the_printed_participant_can_take_the_printed_task if {
	discover({}).effect == "allow"
	verdict := bind({})
	verdict.effect == "allow"
	verdict.trust == 0.5775
	verdict.policy_score == 1
	verdict.obligations[0].id == "human_approval_required_for_merge"
	verdict.obligations[0].due == "always"
}

code_assignment := {
	"caller": f.service,
	"candidate": f.code_steward,
	"task": f.code_change,
	"trust": f.code_trust,
	"approvals": [],
}

test_appendix_a_is_assigned_with_the_papers_explanation if {
	verdict := f.ask("task.assign", code_assignment)
	verdict.effect == "allow"
	verdict.facts.certified == ["policy_check", "reference_data_validation"]
	verdict.reasons == [{
		"rule": "assignable",
		"text": "Participant has certified capability and approved reference data permissions.",
	}]
}

test_an_uncertified_high_risk_capability_is_never_matched_however_trusted if {
	trust := {"by_capability": {"reference_data_validation": {"total": 1, "certified": false}}}
	verdict := f.ask("task.assign", object.union(code_assignment, {"trust": trust}))
	verdict.effect == "deny"
	f.rules(verdict) == {"capability_match"}
}

test_a_capability_that_is_not_granted_is_named if {
	verdict := discover({"candidate": {"capabilities": ["duplicate_detection"]}})
	verdict.reasons == [{
		"rule": "capability_match",
		"text": "Participant agent.customer-steward.001 lacks customer_validation.",
	}]
}

test_the_least_trust_over_the_required_capabilities_decides if {
	low := {"by_capability": {"customer_validation": {"total": 0.49, "certified": true}}}
	verdict := bind({"trust": low})
	f.rules(verdict) == {"trust_ok"}
	verdict.reasons[0].text == "Trust 0.49 is below 0.5, what enterprise-standard asks for medium risk."
	bind({"trust": {"by_capability": {"customer_validation": {"total": 0.5, "certified": true}}}}).effect == "allow"
}

test_the_trust_policy_of_the_participant_sets_the_threshold if {
	f.rules(bind({"candidate": {"trust_policy": "regulated"}})) == {"trust_ok"}
	f.rules(bind({"candidate": {"trust_policy": "unheard-of"}})) == {"trust_ok"}
}

test_trust_that_is_missing_or_no_number_is_no_trust if {
	f.rules(bind({"trust": {"by_capability": {"customer_validation": {"total": "0.9"}}}})) == {"trust_ok"}
	bind({"trust": {"by_capability": null}}).effect == "deny"
}

test_every_domain_of_the_task_must_be_granted_with_what_it_contains if {
	f.rules(bind({"task": {"data_domains": ["customer"]}, "candidate": {"data_domains": ["customer", "customer_master"]}})) == {"data_domains"}
	bind({"task": {"data_domains": ["customer"]}}).effect == "allow"
}

test_only_the_active_are_eligible_and_the_degraded_where_the_task_permits if {
	f.rules(discover({"candidate": {"status": "degraded"}})) == {"active"}
	discover({"candidate": {"status": "degraded"}, "requirement": {"degraded_allowed": true}}).effect == "allow"
	discover({
		"candidate": {"status": "degraded"},
		"requirement": {"policy_constraints": ["degraded_allowed"]},
	}).effect == "allow"
	discover({"candidate": {"status": "suspended"}, "requirement": {"degraded_allowed": true}}).effect == "deny"
}

test_who_cannot_yet_read_the_data_ranks_behind if bind({"candidate": {"permissions": []}}).policy_score == 0.5

test_a_requirement_without_capabilities_is_judged_by_general_trust if {
	none := {"required_capabilities": [], "data_domains": [], "policy_constraints": [], "risk_level": "low"}
	discover({"requirement": none}).effect == "allow"
	f.rules(discover({"requirement": none, "trust": {"general": 0.2}})) == {"trust_ok"}
}

test_constraints_do_not_park_an_assignment_unless_they_name_it if {
	bind({}).effect == "allow"
	verdict := bind({"task": {"policy_constraints": ["human_approval_required_for_assignment"]}})
	verdict.effect == "require_approval"
	verdict.approvers == ["reviewer"]
}

test_an_incomplete_question_is_denied if {
	f.ask("task.assign", {}).effect == "deny"
	f.ask("participant.discover", {"caller": f.submitter, "candidate": f.steward}).effect == "deny"
	f.ask("task.assign", {"candidate": f.steward, "task": {"task_id": "t"}, "trust": f.steward_trust}).effect == "deny"
	discover({"caller": {"subject": ""}}).effect == "deny"
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

# ---- fit or refused: never neither, never both

test_whoever_does_not_fit_is_told_why_and_whoever_fits_is_told_nothing if {
	asked := {"caller": f.service, "candidate": f.code_steward, "task": f.code_change, "trust": f.code_trust}
	every change in [
		{}, {"candidate": {"status": "degraded"}}, {"candidate": {"capabilities": ["policy_check"]}},
		{"candidate": {"data_domains": ["reference_data"]}}, {"candidate": {"trust_policy": "regulated"}},
		{"candidate": {"trust_policy": "none"}}, {"candidate": {"permissions": null}},
		{"task": {"risk_level": "low"}}, {"task": {"risk_level": "none"}}, {"task": {"data_domains": []}},
		{"task": {"required_capabilities": []}}, {"task": {"policy_constraints": ["none"]}},
		{"task": {"degraded_allowed": true}, "candidate": {"status": "degraded"}},
		{"trust": {"by_capability": {"policy_check": {"total": 0.6}}}},
		{"trust": {"by_capability": {"policy_check": {"total": null}}}},
		{"trust": {"by_capability": {"policy_check": {"certified": false}}}},
		{"trust": {"by_capability": {"reference_data_validation": {"certified": "true"}}}},
	] {
		one := object.union(asked, change)
		refused := count(data.phoenix.fitness.shortfalls(one)) > 0
		fit := count([1 | data.phoenix.fitness.fit(one, one.task)]) == 1
		refused != fit
	}
}
