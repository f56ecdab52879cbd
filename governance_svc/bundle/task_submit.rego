# task.submit: who may submit what. A child task may narrow what its parent may do, never widen it.
package phoenix.task.submit

import data.catalogue
import data.phoenix.callers
import data.phoenix.verdict as answers
import data.phoenix.vocabulary

task := object.get(input, "task", {})

parent := object.get(input, "parent", null)

verdict := answers.of(
	"phoenix.task.submit",
	{"allow": allow, "deny": deny, "ask": set(), "obligations": set()},
)

allow contains {
	"rule": "submit",
	"text": sprintf("%s may submit this task.", [input.caller.subject]),
	"remedy": "",
} if {
	authorized
	well_formed
	parent_sound
}

parent_sound if parent == null

parent_sound if {
	is_array(parent.data_domains)
	is_array(parent.policy_constraints)
	vocabulary.known("risk_level", parent.risk_level)
}

well_formed if {
	is_string(task.task_id)
	is_array(task.required_capabilities)
	is_array(task.data_domains)
	is_array(task.policy_constraints)
	is_string(task.risk_level)
	count(task.required_capabilities) > 0
}

authorized if {
	parent == null
	callers.has_role(input.caller, {"submitter", "operator"})
}

authorized if callers.is_participant(input.caller, parent.assignee)

deny contains {
	"rule": "submitter",
	"text": "Tasks are submitted by submitters and operators, child tasks by the assignee of their parent.",
	"remedy": "Ask for the role submitter, or submit as the parent's assignee.",
} if {
	not authorized
}

deny contains {
	"rule": "input",
	"text": "The task is incomplete, or asks for no capability.",
	"remedy": "Name at least one required capability, the data domains, the constraints and the risk level.",
} if {
	not well_formed
}

deny contains refusal if some refusal in vocabulary.unknown("capability", task.required_capabilities)

deny contains refusal if some refusal in vocabulary.unknown("data_domain", task.data_domains)

deny contains refusal if some refusal in vocabulary.unknown("constraint", task.policy_constraints)

deny contains refusal if some refusal in vocabulary.unknown("risk_level", [task.risk_level])

# ---- children

deny contains {
	"rule": "child_domains",
	"text": sprintf("The parent does not work on %s.", [concat(", ", sort(outside))]),
	"remedy": "Stay within the parent's data domains, or submit a task of its own.",
} if {
	parent != null
	outside := vocabulary.expand(task.data_domains) - vocabulary.expand(parent.data_domains)
	count(outside) > 0
}

# Otherwise a child could do what its parent's constraints deny, or gate by a human.
deny contains {
	"rule": "child_constraints",
	"text": sprintf("A child keeps its parent's constraint %s.", [constraint]),
	"remedy": sprintf("Add %s to the child's policy_constraints.", [constraint]),
} if {
	parent != null
	some constraint in parent.policy_constraints
	binds_operations(constraint)
	not constraint in task.policy_constraints
}

# The same for the risk level: what needs a human at the parent's risk level needs one in its children.
deny contains {
	"rule": "child_risk",
	"text": sprintf("At the parent's risk a human has to approve each %s; at the child's nobody would be asked.", [kind]),
	"remedy": sprintf("Give the child risk level %s.", [parent.risk_level]),
} if {
	parent != null
	some kind, floor in catalogue.approvals.risk_gates
	vocabulary.at_least(parent.risk_level, floor)
	vocabulary.known("risk_level", task.risk_level)
	not vocabulary.at_least(task.risk_level, floor)
}

binds_operations(constraint) if catalogue.constraints[constraint].gates.point == "data.operate"

binds_operations(constraint) if catalogue.constraints[constraint].denies.point == "data.operate"
