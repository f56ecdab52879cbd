# data.operate: before a tool call, a read, a mutation or a final action (paper, sections 10 and 11).
package phoenix.data_operate

import data.catalogue
import data.phoenix.gates
import data.phoenix.permissions
import data.phoenix.verdict as answers
import data.phoenix.vocabulary

task := object.get(input, "task", {})

assignee := object.get(input, "assignee", {})

kind := object.get(input, "kind", "")

policy_input := object.union({"approvals": []}, input)

facts := {
	"point": "data.operate",
	"kind": kind,
	"name": lower(object.get(input, "name", "")),
	"domain": object.get(input, "domain", ""),
}

# Without a named domain the operation may touch every domain of the task, so it needs a permission on each.
domains := {input.domain} if {
	object.get(input, "domain", "") != ""
} else := {d | some d in task.data_domains}

verdict := answers.of(
	"phoenix.data_operate",
	{
		"allow": allow,
		"deny": deny,
		"ask": gates.asks(policy_input, facts) | repetition_asks,
		"obligations": obligations,
	},
)

obligations := gates.obligations(task) | {{
	"id": "approved_content",
	"text": "Carry out exactly the content that was approved.",
	"due": "always",
} |
	count(gates.gating_rules(policy_input, facts)) > 0
}

allow contains {"rule": "operate", "text": explanation, "remedy": ""} if {
	vocabulary.known("operation_kind", kind)
	facts.name != ""
	is_array(task.data_domains)
	every domain in domains {
		within_task(domain)
		permissions.permitted(assignee, catalogue.needs[kind], domain)
	}
	not domainless
	standing
	gates.unobjected(policy_input, facts)
}

explanation := sprintf("%s may %s %s in this task.", [assignee.id, catalogue.needs[kind], domain_list])

domain_list := concat(", ", sort(domains)) if {
	count(domains) > 0
} else := "without touching governed data"

within_task(domain) if domain in vocabulary.expand(task.data_domains)

standing if assignee.status in {"active", "degraded", "retiring"}

# Reading and changing data needs a domain; a tool or a final action may touch none.
domainless if {
	kind in {"data_read", "data_mutation"}
	count(domains) == 0
}

# ---- an effect that was begun and of which nobody knows whether it was done (I17). What does nothing twice under one
# idempotency key may be repeated, and what changes nothing. For the rest a human has to say so where one is asked anyway,
# or where the risk is high; otherwise whoever goes on has to look.

unknown_outcome if {
	object.get(input, ["effect", "status"], "") == "unknown"
	not repeatable
}

repeatable if input.effect.idempotent == true

repeatable if kind == "data_read"

repetition_asks := {{
	"rule": "repetition",
	"text": sprintf("A human has to say that this may be repeated: it was begun by %v, and nobody knows whether it was done.", [input.effect.begun_by]),
	"approvers": catalogue.approvals.approvers,
}} if {
	unknown_outcome
	human_decides
	not gates.approved(policy_input, facts)
} else := set()

human_decides if count(gates.gating_rules(policy_input, facts)) > 0

human_decides if vocabulary.at_least(task.risk_level, object.get(catalogue.approvals, "repeat_risk", "high"))

deny contains {
	"rule": "outcome_unknown",
	"text": sprintf("This was begun by %v, and nobody knows whether it was done.", [input.effect.begun_by]),
	"remedy": "Look whether it was done, and record the outcome (RecordEffect): done, or not_done, after which it may begin again.",
} if {
	unknown_outcome
	not human_decides
}

deny contains refusal if some refusal in gates.refusals(policy_input, facts)

deny contains refusal if some refusal in vocabulary.unknown("operation_kind", [kind])

deny contains refusal if some refusal in vocabulary.unknown("data_domain", domains)

deny contains {
	"rule": "input",
	"text": "The operation has no name, or reads or changes data in no domain.",
	"remedy": "Name the operation and its data domain.",
} if {
	incomplete
}

incomplete if facts.name == ""

incomplete if domainless

deny contains {
	"rule": "task_domains",
	"text": sprintf("The task does not work on %s.", [domain]),
	"remedy": "Submit a task for this data domain.",
} if {
	some domain in domains
	vocabulary.known("data_domain", domain)
	not within_task(domain)
}

deny contains {
	"rule": "permission",
	"text": sprintf("%v has no permission to %s %s.", [assignee.id, catalogue.needs[kind], domain]),
	"remedy": sprintf("Claim one of: %s.", [concat(", ", sort(granting(domain)))]),
} if {
	some domain in domains
	vocabulary.known("data_domain", domain)
	not permissions.permitted(assignee, catalogue.needs[kind], domain)
}

granting(domain) := {p |
	some p, spec in catalogue.permissions
	catalogue.needs[kind] in spec.actions
	domain in vocabulary.expand(spec.domains)
}

deny contains {
	"rule": "active",
	"text": sprintf("The assignee is %v.", [object.get(assignee, "status", "unknown")]),
	"remedy": "Register again, or ask an operator.",
} if {
	not standing
}
