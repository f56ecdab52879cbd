# task.complete: may this result end the task? Where no other subject is named, it is the result.
package phoenix.task.complete

import data.phoenix.gates
import data.phoenix.verdict as answers

task := object.get(input, "task", {})

policy_input := object.union({"approvals": []}, object.union({"subject_hash": object.get(input, "result_hash", "")}, input))

facts := {"point": "task.complete"}

verdict := answers.of(
	"phoenix.task.complete",
	{"allow": allow, "deny": deny, "ask": gates.asks(policy_input, facts), "obligations": set()},
)

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
	"remedy": sprintf("Fulfil %s and name it when you complete the task.", [obligation.id]),
} if {
	some obligation in input.open_obligations
	obligation.due == "before_complete"
}

deny contains {
	"rule": "input",
	"text": "The input does not name the open obligations.",
	"remedy": "Send open_obligations, empty where there are none.",
} if {
	not is_array(input.open_obligations)
}
