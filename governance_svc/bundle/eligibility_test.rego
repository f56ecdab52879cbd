package phoenix.eligibility_test

import data.phoenix.fixtures_test as f

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

# ---- candidates with the same grants are told the same, but for their ids and trust

group := {
	"alike": {
		"candidate": object.remove(f.steward, ["id"]),
		"trust": {"by_capability": {
			"customer_validation": {"certified": false},
			"duplicate_detection": {"certified": false},
		}},
	},
	"capabilities": ["customer_validation", "duplicate_detection"],
	"totals": [[0.6, 0.7], [0.8, 0.4], [0.9, 0.5]],
	"at": [4, 2, 7],
}

told(common) := verdicts if {
	verdicts := data.phoenix.decide_groups with input as {
		"point": "participant.discover",
		"common": object.union({"caller": f.submitter, "requirement": f.merge_review}, common),
		"groups": [group],
	}
}

test_those_of_a_group_who_are_trusted_share_a_verdict_and_so_do_the_others if {
	[fit, doubted] := told({})
	fit.verdict.effect == "allow"
	[fit.at, fit.own] == [[4, 7], {"trust": [0.6, 0.5]}]
	[doubted.verdict.effect, doubted.at] == ["deny", [2]]
	doubted.verdict.reasons[0].parts[0] == "Trust "
	doubted.verdict.reasons[0]["with"] == ["0.4"]
}

test_what_a_group_lacks_is_said_in_parts_between_which_an_id_stands if {
	[unfit, _] := told({"requirement": {"degraded_allowed": true, "data_domains": ["supplier"]}})
	unfit.verdict.reasons[0].parts == ["Participant ", " is not granted supplier, supplier_master."]
}

test_a_group_that_is_no_ordinary_one_is_left_to_be_judged_one_by_one if {
	told({"caller": {"subject": ""}}) == []
	told({"requirement": {"required_capabilities": ["policy_check"]}}) == []
}

# ---- eligible or refused: one of the two, and never both

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
		refused := count(data.phoenix.eligibility.shortfalls(one)) > 0
		eligible := count([1 | data.phoenix.eligibility.eligible(one, one.task)]) == 1
		refused != eligible
	}
}
