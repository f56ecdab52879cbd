# task.assign (Algorithm 3, step 5): may this candidate be given that task?
package phoenix.task.assign

import data.phoenix.fitness
import data.phoenix.gates
import data.phoenix.verdict as answers

question := object.union({"approvals": []}, input)

facts := {"point": "task.assign"}

verdict := answers.with_facts(
	"phoenix.task.assign",
	{
		"allow": allow,
		"deny": deny,
		"ask": gates.asks(question, facts),
		"obligations": gates.obligations(fitness.wanted(input)),
	},
	judged,
)

fit := fitness.fit(input, input.task) if is_string(input.candidate.id)

judged := {"trust": fit.trust, "policy_score": fit.policy_score, "facts": fit.facts} if {
	fit
} else := {}

allow contains {"rule": "assignable", "text": fit.text, "remedy": ""} if {
	gates.heard(question, facts)
}

deny contains shortfall if some shortfall in fitness.shortfalls(input)

deny contains refusal if some refusal in gates.refusals(question, facts)
