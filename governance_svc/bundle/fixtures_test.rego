# The paper's participant, tasks and people, as services send them.
package phoenix.fixtures_test

steward_claims := {
	"id": "agent.customer-steward.001",
	"type": "agent",
	"owner": "data-governance",
	"capabilities": ["customer_validation", "duplicate_detection", "policy_check"],
	"permissions": ["read_customer_master", "suggest_merge"],
	"metadata": {"framework": "langgraph", "data_domains": ["customer"], "risk_tier": "medium"},
}

steward_caller := {
	"subject": "agent.customer-steward.001",
	"participant": "agent.customer-steward.001",
	"participant_type": "agent",
	"owner": "data-governance",
	"roles": ["participant"],
	"assurance": "local",
}

operator := {"subject": "olga", "participant": "", "participant_type": "", "owner": "", "roles": ["operator"]}

submitter := {"subject": "sam", "participant": "", "participant_type": "", "owner": "", "roles": ["submitter"]}

service := {"subject": "assignment_svc", "participant": "", "participant_type": "", "owner": "", "roles": ["service"]}

reviewer := {
	"subject": "human.steward.01",
	"participant": "human.steward.01",
	"participant_type": "human",
	"owner": "data-governance",
	"roles": ["participant", "reviewer"],
}

steward := {
	"id": "agent.customer-steward.001",
	"type": "agent",
	"owner": "data-governance",
	"status": "active",
	"capabilities": ["customer_validation", "duplicate_detection", "policy_check"],
	"data_domains": ["customer", "customer_contact", "customer_master"],
	"permissions": ["read_customer_master", "suggest_merge"],
	"trust_policy": "enterprise-standard",
}

newcomer := {"total": 0.5775, "certified": false}

steward_trust := {
	"general": 0.5775,
	"by_capability": {
		"customer_validation": newcomer,
		"duplicate_detection": newcomer,
		"policy_check": newcomer,
	},
}

merge_review := {
	"task_id": "task.customer-merge-review.8841",
	"objective": "Validate duplicate customer candidates and recommend merge action",
	"required_capabilities": ["duplicate_detection", "customer_validation"],
	"data_domains": ["customer_master"],
	"risk_level": "medium",
	"policy_constraints": ["human_approval_required_for_merge"],
	"submitter": "sam",
}

code_change := {
	"task_id": "task.reference-data-change.0032",
	"objective": "Review proposed reference data code change",
	"required_capabilities": ["reference_data_validation", "policy_check"],
	"data_domains": ["reference_data"],
	"risk_level": "high",
	"policy_constraints": ["human_approval_required", "no_direct_write"],
	"submitter": "sam",
}

code_steward := {
	"id": "agent.reference-data-steward.004",
	"type": "agent",
	"owner": "data-governance",
	"status": "active",
	"capabilities": ["reference_data_validation", "policy_check"],
	"data_domains": ["reference_data", "reference_code"],
	"permissions": ["read_reference_data", "suggest_reference_data_change"],
	"trust_policy": "enterprise-standard",
}

code_trust := {"general": 0.5775, "by_capability": {
	"reference_data_validation": {"total": 0.8275, "certified": true},
	"policy_check": {"total": 0.8275, "certified": true},
}}

yes := {
	"approval_id": "approval.1",
	"task_id": "task.customer-merge-review.8841",
	"action": "merge",
	"subject_hash": "sha256:proposal",
	"status": "approved",
	"decided_by": "human.steward.01",
	"decider": {"id": "human.steward.01", "type": "human", "status": "active"},
}

ask(point, one) := verdict if verdict := data.phoenix.decide[0] with input as {"point": point, "inputs": [one]}

rules(verdict) := {reason.rule | some reason in verdict.reasons}
