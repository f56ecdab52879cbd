# Constraints gate what they name, and nothing else: a pattern matches where each of its keys equals
# the same fact of the input.
package phoenix.gates

import data.catalogue
import data.phoenix.vocabulary

matches(pattern, facts) if {
	pattern.point == facts.point
	every key, wanted in pattern {
		facts[key] == wanted
	}
}

gated_by(task, facts) := {c |
	some c in task.policy_constraints
	matches(catalogue.constraints[c].gates, facts)
}

# True where the input is complete and nothing refuses it: every allow needs this, because an undefined rule
# must not count as "no objection".
unobjected(policy_input, facts) if {
	is_string(policy_input.task.task_id)
	is_array(policy_input.task.policy_constraints)
	is_array(policy_input.approvals)
	is_set(asks(policy_input, facts))
	count(refusals(policy_input, facts)) == 0
}

# True where, beside that, no human has to be asked, for a task whose names are known.
open(policy_input, facts) if {
	is_string(policy_input.task.task_id)
	is_array(policy_input.task.policy_constraints)
	is_array(policy_input.approvals)
	count(asks(policy_input, facts)) == 0
	count(forbidden(policy_input.task, facts)) == 0
	count(refused_by_human(policy_input, facts)) == 0
}

# ---- refusals: by a constraint, for names that the catalogue does not know, by a human for the same content

refusals(policy_input, facts) := union({
	forbidden(policy_input.task, facts),
	vocabulary.unknown("constraint", policy_input.task.policy_constraints),
	vocabulary.unknown("risk_level", [policy_input.task.risk_level]),
	refused_by_human(policy_input, facts),
})

forbidden(task, facts) := {{
	"rule": c,
	"text": sprintf("Constraint %s forbids this.", [c]),
	"remedy": "Do without it, or submit a task that does not carry the constraint.",
} |
	some c in task.policy_constraints
	matches(catalogue.constraints[c].denies, facts)
}

refused_by_human(policy_input, facts) := {{
	"rule": "human_refused",
	"text": sprintf("Approval %s for this subject was %s.", [approval.approval_id, approval.status]),
	"remedy": "Propose other content; it is asked anew.",
} |
	some approval in policy_input.approvals
	approval.status in {"rejected", "expired"}
	same_subject(approval, policy_input, facts)
}

# ---- a human is asked, unless one has approved exactly this; without a subject's hash nobody can have

asks(policy_input, facts) := {{
	"rule": c,
	"text": sprintf("A human has to approve this first (%s).", [c]),
	"approvers": catalogue.approvals.approvers,
} |
	some c in gating_rules(policy_input, facts)
	not approved(policy_input, facts)
}

gating_rules(policy_input, facts) := gated_by(policy_input.task, facts) | risk_gates(policy_input.task, facts)

risk_gates(task, facts) := {"risk_threshold" |
	vocabulary.at_least(task.risk_level, catalogue.approvals.risk_gates[facts.kind])
}

approved(policy_input, facts) if {
	some approval in policy_input.approvals
	approval.status == "approved"
	same_subject(approval, policy_input, facts)
	is_string(approval.decided_by)
	approval.decided_by != ""
	approval.decider.type == "human"
	object.get(approval.decider, "status", "") != "suspended"
	not approval.decided_by in workers(policy_input)
}

# I13: none of these may be the human who decides.
workers(policy_input) := {id |
	some id in [
		object.get(policy_input, ["task", "submitter"], ""),
		object.get(policy_input, ["assignee", "id"], ""),
		object.get(policy_input, ["candidate", "id"], ""),
		object.get(policy_input, ["source", "id"], ""),
		object.get(policy_input, ["target", "id"], ""),
	]
}

same_subject(approval, policy_input, facts) if {
	is_string(approval.subject_hash)
	approval.subject_hash != ""
	approval.subject_hash == policy_input.subject_hash
	approval.task_id == policy_input.task.task_id
	lower(approval.action) in actions(facts)
}

# The actions that an approval may name: the operation's own name (merge), else the decision point's.
actions(facts) := {facts.name} if {
	facts.point == "data.operate"
} else := {facts.point, short_name[facts.point]}

short_name := {"task.assign": "assign", "handoff.initiate": "handoff", "task.complete": "complete"}

# ---- obligations; where an approval meets one, it says of which action: the one that the constraint gates

obligations(task) := {owed(catalogue.constraints[c]) | some c in task.policy_constraints}

owed(constraint) := object.union(constraint.obliges, {"action": gated_action(constraint.gates)}) if {
	constraint.obliges.met_by == "approval"
} else := constraint.obliges

gated_action(pattern) := lower(pattern.name) if {
	pattern.point == "data.operate"
} else := short_name[pattern.point]
