# approval.decide (I13): a distinct, authorised human, about an approval that is still pending.
package phoenix.approval.decide

import data.catalogue
import data.phoenix.callers
import data.phoenix.verdict as answers

approval := object.get(input, "approval", {})

decider := object.get(input, "caller", {})

verdict := answers.of(
	"phoenix.approval.decide",
	{"allow": allow, "deny": deny, "ask": set(), "obligations": set()},
)

allow contains {
	"rule": "distinct_human",
	"text": sprintf("%s is a human with a say who has not worked on the subject.", [decider.participant]),
	"remedy": "",
} if {
	human
	asked_for
	input.decision in {"approve", "reject"}
	is_array(approval.barred)
	is_array(approval.barred_owners)
	approval.status == "pending"
	count(excluded) == 0
}

human if {
	decider.participant_type == "human"
	decider.participant != ""
}

deny contains {
	"rule": "human",
	"text": "Approvals are decided by participants of type human.",
	"remedy": "Register the person as a participant of type human and decide with that credential.",
} if {
	not human
}

# ---- the approvers that the request names: roles or ids

approvers := {a | some a in approval.approvers} if {
	count(object.get(approval, "approvers", [])) > 0
} else := {a | some a in catalogue.approvals.approvers}

asked_for if {
	reviewer
	decider.participant in approvers
}

asked_for if {
	reviewer
	callers.has_role(decider, approvers)
}

reviewer if callers.has_role(decider, {a | some a in catalogue.approvals.approvers})

deny contains {
	"rule": "approver",
	"text": sprintf("%v is not among those asked: %s.", [callers.name(decider), concat(", ", sort(approvers))]),
	"remedy": "Ask somebody with that role.",
} if {
	not asked_for
}

# ---- never the submitter or a worker of the task

excluded contains "the submitter, or has worked on it" if {
	some id in approval.barred
	callers.is_named(decider, id)
}

excluded contains "the owner of somebody who has worked on it" if {
	catalogue.approvals.exclude_owners_of_workers
	some owner in approval.barred_owners
	callers.is_named(decider, owner)
}

excluded contains "of the same owner as somebody who has worked on it" if {
	catalogue.approvals.exclude_same_owner
	decider.owner in approval.barred_owners
}

deny contains {
	"rule": "distinct_human",
	"text": sprintf("%v is %s.", [callers.name(decider), reason]),
	"remedy": "Have somebody decide who is not involved in the task.",
} if {
	some reason in excluded
}

deny contains {
	"rule": "pending",
	"text": sprintf("The approval is %v.", [object.get(approval, "status", "unknown")]),
	"remedy": "Look at the recorded decision.",
} if {
	object.get(approval, "status", "") != "pending"
}

deny contains {
	"rule": "comment",
	"text": "A decision carries a comment.",
	"remedy": "Say why.",
} if {
	trim_space(object.get(input, "comment", "")) == ""
}
