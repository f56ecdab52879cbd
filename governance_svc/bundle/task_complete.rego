# task.complete: may this result end the task? Where no other subject is named, it is the result.
package phoenix.task.complete

import data.catalogue
import data.phoenix.gates
import data.phoenix.verdict as answers

task := object.get(input, "task", {})

policy_input := object.union({"approvals": []}, object.union({"subject_hash": object.get(input, "result_hash", "")}, input))

facts := {"point": "task.complete"}

verdict := answers.of(
	"phoenix.task.complete",
	{"allow": allow, "deny": deny, "ask": asks, "obligations": set()},
)

asks := gates.asks(policy_input, facts) if {
	count(gates.gating_rules(policy_input, facts)) > 0
} else := {{
	"rule": "open_obligation",
	"text": sprintf("A human has to approve the result first (obligation %s).", [obligation.id]),
	"approvers": catalogue.approvals.approvers,
} |
	not gates.approved(policy_input, facts)
	some obligation in due
	met_by_this_approval(obligation)
}

due := [o | some o in input.open_obligations; o.due == "before_complete"]

# The approval of this very result meets it: nobody can have it before the result is there.
met_by_this_approval(obligation) if {
	obligation.met_by == "approval"
	obligation.action == "complete"
}

allow contains {
	"rule": "complete",
	"text": "The result may end the task; no obligation is open.",
	"remedy": "",
} if {
	is_array(input.open_obligations)
	gates.unobjected(policy_input, facts)
}

deny contains refusal if some refusal in gates.refusals(policy_input, facts)

deny contains {
	"rule": "open_obligation",
	"text": sprintf("Obligation %s is open: %s", [obligation.id, obligation.text]),
	"remedy": evidence(obligation),
} if {
	some obligation in due
	not met_by_this_approval(obligation)
}

# What has to be there; nobody's word for it is enough.
evidence(obligation) := sprintf("Have a human approve %s (AuthorizeAction) and use the approval, then complete again.", [obligation.action]) if {
	obligation.met_by == "approval"
} else := sprintf(
	"Record the decision: a checkpoint whose decisions hold {\"obligation\": \"%s\", \"decision\": \"…\"}. Then complete again.",
	[obligation.id],
)

deny contains {
	"rule": "input",
	"text": "The input does not name the open obligations.",
	"remedy": "Send open_obligations, empty where there are none.",
} if {
	not is_array(input.open_obligations)
}
