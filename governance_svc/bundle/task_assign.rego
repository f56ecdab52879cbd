# task.assign (Algorithm 3, step 5): may this candidate be given that task?
package phoenix.task.assign

import data.phoenix.fitness
import data.phoenix.gates
import data.phoenix.verdict as answers

candidate := object.get(input, "candidate", {})

task := object.get(input, "task", {})

trust := object.get(input, "trust", {})

shortfalls := fitness.shortfalls(candidate, task, trust)

question := object.union({"approvals": []}, input)

facts := {"point": "task.assign"}

verdict := answers.with_facts(
	"phoenix.task.assign",
	{"allow": allow, "deny": deny, "ask": gates.asks(question, facts), "obligations": gates.obligations(task)},
	more,
)

more := {
	"trust": fitness.least(task, trust),
	"policy_score": fitness.policy_score(candidate, task),
	"facts": fitness.facts(task, trust),
} if {
	count(shortfalls) == 0
} else := {}

allow contains {"rule": "assignable", "text": fitness.explanation(candidate, task, trust), "remedy": ""} if {
	count(shortfalls) == 0
	gates.heard(question, facts)
}

deny contains shortfall if some shortfall in shortfalls

deny contains refusal if some refusal in gates.refusals(question, facts)
