# task.assign (Algorithm 3, step 5): may this candidate be given that task?
package phoenix.task.assign

import data.phoenix.eligibility
import data.phoenix.gates
import data.phoenix.verdict as answers

facts := {"point": "task.assign"}

# Most questions: who is asked about is eligible, and nothing speaks against it. Whoever is eligible has no shortfalls,
# where the types are those that an input has, and the task no unknown names.
answer(one) := {
	"effect": "allow",
	"policy": "phoenix.task.assign",
	"policy_score": eligible.policy_score,
	"reasons": [{"rule": "assignable", "text": eligible.text}],
	"remediation": [],
	"obligations": [owed | some owed in gates.obligations(one.task)],
	"approvers": [],
	"grants": null,
	"trust": eligible.trust,
	"facts": eligible.facts,
} if {
	eligible := assignable(one)
	gates.open(with_approvals(one), facts)
} else := judged(with_approvals(one))

assignable(one) := eligible if {
	is_string(one.candidate.id)
	is_array(one.candidate.capabilities)
	is_array(one.candidate.data_domains)
	is_object(one.trust.by_capability)
	eligible := eligibility.eligible(one, one.task)
}

with_approvals(one) := one if {
	one.approvals
} else := object.union({"approvals": []}, one)

# Any question: what speaks for it and against it, and what a human has to say first.
judged(one) := answers.with_facts(
	"phoenix.task.assign",
	{
		"allow": allowed(one),
		"deny": {refusal | some refusal in gates.refusals(one, facts)} | shortfalls(one),
		"ask": gates.asks(one, facts),
		"obligations": gates.obligations(eligibility.wanted(one)),
	},
	about(one),
)

eligible_of(one) := eligibility.eligible(one, one.task) if is_string(one.candidate.id)

allowed(one) := {{"rule": "assignable", "text": eligible.text, "remedy": ""} |
	eligible := eligible_of(one)
	gates.unobjected(one, facts)
}

shortfalls(one) := set() if {
	assignable(one)
} else := eligibility.shortfalls(one)

about(one) := {"trust": eligible.trust, "policy_score": eligible.policy_score, "facts": eligible.facts} if {
	eligible := eligible_of(one)
} else := {}
