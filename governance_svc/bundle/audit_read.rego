# audit.read: auditors and operators read all; an assignee reads the lineage of its own task, its submitter too.
package phoenix.audit.read

import data.catalogue
import data.phoenix.callers
import data.phoenix.verdict as answers

task := object.get(input, "task", {})

verdict := answers.of(
	"phoenix.audit.read",
	{"allow": allow, "deny": deny, "ask": set(), "obligations": set()},
)

deny := set()

# The filter names one task, and it is the one that the service has read from the ledger.
one_task if {
	is_string(input.filter.task)
	input.filter.task != ""
	input.filter.task == task.task_id
}

allow contains {"rule": "reader", "text": "Auditors and operators read the whole ledger.", "remedy": ""} if {
	callers.has_role(input.caller, {r | some r in catalogue.audit.readers})
}

allow contains {"rule": "reviewer", "text": "Who has to judge a task reads its lineage.", "remedy": ""} if {
	one_task
	callers.has_role(input.caller, {r | some r in catalogue.audit.lineage_readers})
}

allow contains {"rule": "own_task", "text": "An assignee reads the lineage of its own task.", "remedy": ""} if {
	one_task
	callers.is_participant(input.caller, task.assignee)
}

allow contains {"rule": "own_submission", "text": "A submitter reads the lineage of its task.", "remedy": ""} if {
	one_task
	callers.is_named(input.caller, task.submitter)
}
