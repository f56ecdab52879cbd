# A child may not have a lower risk level than its parent, where the risk level is what requires a human.
package phoenix.children_test

import data.phoenix.fixtures_test as f

bear(parent_risk, child_risk) := f.ask("task.submit", {
	"caller": f.steward_caller,
	"task": {
		"task_id": "task.child.1",
		"required_capabilities": ["policy_check"],
		"data_domains": ["customer_master"],
		"risk_level": child_risk,
		"policy_constraints": [],
	},
	"parent": {
		"task_id": "task.parent.1",
		"assignee": f.steward_caller.participant,
		"data_domains": ["customer_master"],
		"risk_level": parent_risk,
		"policy_constraints": [],
	},
})

test_a_child_is_not_less_risky_than_what_asks_a_human_for_its_parent if {
	f.rules(bear("high", "medium")) == {"child_risk"}
	f.rules(bear("high", "low")) == {"child_risk"}
}

test_where_nobody_would_be_asked_a_child_may_be_less_risky if bear("medium", "low").effect == "allow"

test_a_child_may_be_as_risky_or_more_so if {
	bear("high", "high").effect == "allow"
	bear("low", "high").effect == "allow"
}

test_without_the_parents_risk_nobody_says_yes if bear(null, "high").effect == "deny"

test_nobody_comes_back_as_another_type if {
	again := {"owner": "data-governance", "status": "failed", "type": "agent"}
	joining := {"caller": f.operator, "claims": f.steward_claims, "existing": again}
	f.ask("participant.join", joining).effect == "allow"
	other := object.union(joining, {"claims": {"type": "human"}})
	f.rules(f.ask("participant.join", other)) == {"type"}
}
