# task.assign (Algorithm 3, step 5): may this candidate be given that task?
package phoenix.task.assign

import data.phoenix.eligibility
import data.phoenix.gates
import data.phoenix.verdict as answers

policy_input := object.union({"approvals": []}, input)

facts := {"point": "task.assign"}

verdict := answers.with_facts(
	"phoenix.task.assign",
	{
		"allow": allow,
		"deny": deny,
		"ask": gates.asks(policy_input, facts),
		"obligations": gates.obligations(eligibility.wanted(input)),
	},
	judged,
)

eligible := eligibility.eligible(input, input.task) if is_string(input.candidate.id)

# Who is eligible has no shortfalls, where the types are those that an input has.
assignable if {
	eligible
	is_array(input.candidate.capabilities)
	is_array(input.candidate.data_domains)
	is_object(input.trust.by_capability)
}

judged := {"trust": eligible.trust, "policy_score": eligible.policy_score, "facts": eligible.facts} if {
	eligible
} else := {}

allow contains {"rule": "assignable", "text": eligible.text, "remedy": ""} if {
	gates.unobjected(policy_input, facts)
}

deny contains shortfall if {
	not assignable
	some shortfall in eligibility.shortfalls(input)
}

deny contains refusal if some refusal in gates.refusals(policy_input, facts)
