# Constraints gate what they name, and nothing else: a pattern holds where each of its keys equals
# the same fact of the question.
package phoenix.gates

import data.catalogue
import data.phoenix.words

matches(pattern, facts) if {
	is_string(pattern.point)
	every key, wanted in pattern {
		facts[key] == wanted
	}
}

gated_by(task, facts) := {c |
	some c in task.policy_constraints
	matches(catalogue.constraints[c].gates, facts)
}

# What is undefined must not read as "no objection": an allow asks for this first.
heard(question, facts) if {
	is_string(question.task.task_id)
	is_array(question.task.policy_constraints)
	is_array(question.approvals)
	is_set(asks(question, facts))
	count(refusals(question, facts)) == 0
}

# ---- no: what a constraint forbids, what the catalogue no longer knows, what a human has refused for this very content

refusals(question, facts) := union({
	forbidden(question.task, facts),
	words.unknown("constraint", question.task.policy_constraints),
	words.unknown("risk_level", [question.task.risk_level]),
	refused_by_human(question, facts),
})

forbidden(task, facts) := {{
	"rule": c,
	"text": sprintf("Constraint %s forbids this.", [c]),
	"remedy": "Do without it, or submit a task that does not carry the constraint.",
} |
	some c in task.policy_constraints
	matches(catalogue.constraints[c].denies, facts)
}

refused_by_human(question, facts) := {{
	"rule": "human_refused",
	"text": sprintf("Approval %s for this subject was %s.", [approval.approval_id, approval.status]),
	"remedy": "Propose other content; it is asked anew.",
} |
	some approval in question.approvals
	approval.status in {"rejected", "expired"}
	same_subject(approval, question, facts)
}

# ---- a human: unless one has said yes to exactly this. Without a subject's hash nobody has yet.

asks(question, facts) := {{
	"rule": c,
	"text": sprintf("A human has to approve this first (%s).", [c]),
	"approvers": catalogue.approvals.approvers,
} |
	not approved(question, facts)
	some c in askers(question, facts)
}

askers(question, facts) := gated_by(question.task, facts) | risk_gates(question.task, facts)

risk_gates(task, facts) := {"risk_threshold" |
	words.at_least(task.risk_level, catalogue.approvals.risk_gates[facts.kind])
}

approved(question, facts) if {
	some approval in question.approvals
	approval.status == "approved"
	same_subject(approval, question, facts)
	is_string(approval.decided_by)
	approval.decided_by != ""
	approval.decider.type == "human"
	object.get(approval.decider, "status", "") != "suspended"
	not approval.decided_by in workers(question)
}

# I13: a distinct human.
workers(question) := {id |
	some path in [["task", "submitter"], ["assignee", "id"], ["candidate", "id"], ["source", "id"], ["target", "id"]]
	id := object.get(question, path, "")
}

same_subject(approval, question, facts) if {
	is_string(approval.subject_hash)
	approval.subject_hash != ""
	approval.subject_hash == question.subject_hash
	approval.task_id == question.task.task_id
	lower(approval.action) in actions(facts)
}

# What an approval names as its action: the operation's own name (merge), else what was to be done.
actions(facts) := {facts.name} if {
	facts.point == "data.operate"
} else := {facts.point, short_name[facts.point]}

short_name := {"task.assign": "assign", "handoff.initiate": "handoff", "task.complete": "complete"}

obligations(task) := {catalogue.constraints[c].obliges | some c in task.policy_constraints}
