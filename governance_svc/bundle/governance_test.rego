package phoenix.governance_test

import data.phoenix.fixtures_test as f

# ---- the shape of every answer

test_a_batch_is_answered_in_order if {
	inputs := [{}, {"caller": f.operator, "participant": f.steward, "mode": "graceful"}, {}]
	verdicts := data.phoenix.decide with input as {"point": "participant.retire", "inputs": inputs}
	[v.effect | some v in verdicts] == ["deny", "allow", "deny"]
}

test_an_unknown_point_is_denied if {
	verdict := f.ask("participant.bless", {})
	verdict.effect == "deny"
	f.rules(verdict) == {"undefined"}
}

test_every_point_denies_an_empty_input_and_answers_every_field if {
	every point in [
		"participant.join", "capability.update", "participant.discover", "participant.remain",
		"participant.retire", "task.submit", "task.assign", "data.operate", "handoff.initiate",
		"task.complete", "approval.decide", "policy.activate", "audit.read",
	] {
		verdict := f.ask(point, {})
		verdict.effect == "deny"
		verdict.policy != "phoenix"
		count(verdict.reasons) > 0
		object.keys(verdict) == {
			"effect", "policy", "policy_score", "reasons", "remediation", "obligations", "approvers",
			"grants", "trust", "facts",
		}
	}
}

# ---- approval.decide

deciding := {
	"caller": f.reviewer,
	"approval": {
		"approval_id": "approval.1",
		"task_id": "task.customer-merge-review.8841",
		"action": "merge",
		"subject_hash": "sha256:proposal",
		"status": "pending",
		"approvers": ["reviewer"],
		"barred": ["sam", "agent.customer-steward.001"],
		"barred_owners": ["data-governance"],
	},
	"decision": "approve",
	"comment": "These are the same person.",
}

decide(changes) := f.ask("approval.decide", object.union(deciding, changes))

test_a_distinct_human_reviewer_decides if {
	decide({}).effect == "allow"
	decide({"decision": "reject"}).effect == "allow"
}

test_nobody_but_a_human_decides if {
	f.rules(decide({"caller": {"participant_type": "agent"}})) == {"human"}
	"human" in f.rules(decide({"caller": object.union(f.operator, {"roles": ["reviewer"]})}))
}

test_the_role_is_needed if f.rules(decide({"caller": {"roles": ["participant"]}})) == {"approver"}

test_who_was_asked_by_name_decides if {
	decide({"approval": {"approvers": ["human.steward.01"]}}).effect == "allow"
	f.rules(decide({"approval": {"approvers": ["human.steward.02"]}})) == {"approver"}
	f.rules(decide({
		"approval": {"approvers": ["human.steward.01"]},
		"caller": {"roles": ["participant"]},
	})) == {"approver"}
}

test_submitters_and_workers_do_not_decide_under_either_of_their_names if {
	f.rules(decide({"approval": {"barred": ["human.steward.01"]}})) == {"distinct_human"}
	f.rules(decide({"caller": {"subject": "sam"}})) == {"distinct_human"}
}

test_who_takes_no_part_is_named_by_the_subject if {
	verdict := decide({
		"caller": object.union(f.operator, {"roles": ["reviewer"]}),
		"approval": {"barred": ["olga"], "approvers": ["human.steward.02"]},
	})
	texts := {r.text | some r in verdict.reasons}
	"olga is the submitter, or has worked on it." in texts
	"olga is not among those asked: human.steward.02." in texts
}

test_owners_of_workers_do_not_decide if {
	f.rules(decide({"approval": {"barred_owners": ["human.steward.01"]}})) == {"distinct_human"}
	decide({"approval": {"barred_owners": ["human.steward.01"]}}).effect == "allow" with data.catalogue.approvals.exclude_owners_of_workers as false
}

test_the_same_owner_may_be_excluded_by_policy if {
	decide({"caller": {"owner": "finance"}}).effect == "allow" with data.catalogue.approvals.exclude_same_owner as true
	f.rules(decide({})) == {"distinct_human"} with data.catalogue.approvals.exclude_same_owner as true
}

test_a_decision_is_made_once_with_a_comment if {
	f.rules(decide({"approval": {"status": "approved"}})) == {"pending"}
	f.rules(decide({"comment": "  "})) == {"comment"}
	decide({"decision": "perhaps"}).effect == "deny"
}

test_not_knowing_who_is_barred_bars_all if decide({"approval": {"barred": null}}).effect == "deny"

# ---- policy.activate

activating := {
	"caller": {"subject": "paula", "participant": "", "roles": ["policy_admin"]},
	"bundle": {
		"revision": "sha256:b",
		"uploaded_by": "peter",
		"pending": true,
		"tests": {"passed": 90, "failed": 0},
	},
	"development": false,
}

activate(changes) := f.ask("policy.activate", object.union(activating, changes))

test_a_second_policy_administrator_activates if activate({}).effect == "allow"

test_the_same_person_does_so_in_development_only if {
	f.rules(activate({"bundle": {"uploaded_by": "paula"}})) == {"second_person"}
	activate({"bundle": {"uploaded_by": "paula"}, "development": true}).effect == "allow"
	activate({"bundle": {"uploaded_by": "paula"}, "development": "true"}).effect == "deny"
}

test_what_nobody_proposed_is_activated_by_nobody_alone if {
	f.rules(activate({"bundle": {"uploaded_by": ""}})) == {"proposed_anew"}
	f.rules(activate({"bundle": {"pending": false}})) == {"proposed_anew"}
	f.rules(activate({"bundle": {"pending": "true"}})) == {"proposed_anew"}
	activate({"bundle": {"uploaded_by": "", "pending": false}, "development": true}).effect == "allow"
}

test_nobody_else_activates if {
	f.rules(activate({"caller": {"roles": ["operator"]}})) == {"policy_admin"}
	f.rules(activate({"caller": {"participant": "agent.x", "participant_type": "agent"}})) == {"policy_admin"}
	f.rules(activate({"caller": {"participant": "agent.x"}})) == {"policy_admin"}
}

test_a_person_who_takes_part_activates if {
	activate({"caller": {"participant": "human.x", "participant_type": "human"}}).effect == "allow"
}

test_a_bundle_whose_tests_fail_or_are_missing_stays_out if {
	f.rules(activate({"bundle": {"tests": {"failed": 1}}})) == {"tests"}
	f.rules(activate({"bundle": {"tests": {"passed": 0}}})) == {"tests"}
}

# ---- audit.read

auditor := {"subject": "ada", "participant": "", "roles": ["auditor"]}

lineage := {
	"caller": f.steward_caller,
	"filter": {"task": "task.1"},
	"task": {"task_id": "task.1", "assignee": "agent.customer-steward.001", "submitter": "sam"},
}

read(changes) := f.ask("audit.read", object.union(lineage, changes))

test_auditors_and_operators_read_all if {
	f.ask("audit.read", {"caller": auditor, "filter": {}, "task": null}).effect == "allow"
	f.ask("audit.read", {"caller": f.operator, "filter": {}, "task": null}).effect == "allow"
}

test_an_assignee_reads_the_lineage_of_its_own_task if {
	read({}).effect == "allow"
	read({"task": {"assignee": "agent.other"}}).effect == "deny"
	read({"filter": {"task": "task.2"}}).effect == "deny"
	read({"filter": {"task": ""}, "task": {"task_id": ""}}).effect == "deny"
}

test_a_submitter_reads_the_lineage_of_its_task if {
	read({"caller": f.submitter}).effect == "allow"
	read({"caller": f.submitter, "filter": {"task": "task.2"}}).effect == "deny"
}

test_a_reviewer_reads_the_lineage_of_one_task_and_not_the_ledger if {
	read({"caller": f.reviewer}).effect == "allow"
	read({"caller": f.reviewer, "filter": {"task": ""}}).effect == "deny"
}

test_a_task_without_assignee_or_submitter_is_nobodys if {
	nobody := {"subject": "x", "participant": "", "roles": ["participant"]}
	read({"caller": nobody, "task": {"assignee": "", "submitter": ""}}).effect == "deny"
}
