# Assignable(p, q) = Active AND CapabilityMatch AND TrustOK AND PolicyAllows (paper, section 5): each
# conjunct that fails is one refusal with its name. Asked for discovery (of a requirement) and for
# assignment (of a task), so that both always agree.
package phoenix.fitness

import data.catalogue
import data.phoenix.permissions
import data.phoenix.words

candidate := object.get(input, "candidate", {})

wanted := input.task if {
	input.task
} else := object.get(input, "requirement", {})

trust := object.get(input, "trust", {})

# ---- fit: every conjunct at once, for whoever passes. Asked of a whole batch of candidates, so what
# depends on the requirement alone stands in functions of the requirement, which are evaluated once.

fits(one, requirement) if {
	answerable(requirement)
	present(one.candidate.status, requirement)
	count(required(requirement) - {c | some c in one.candidate.capabilities}) == 0
	count(reached(requirement) - {d | some d in one.candidate.data_domains}) == 0
	is_array(one.candidate.permissions)
	every capability in high_risk(requirement) {
		one.trust.by_capability[capability].certified == true
	}
	least_of(one.trust, requirement) >= threshold_of(object.get(one.candidate, "trust_policy", ""), requirement)
}

# Well-formed, and nothing in it is unknown. A comprehension over something missing would find no fault.
answerable(requirement) if {
	is_array(requirement.required_capabilities)
	is_array(requirement.data_domains)
	is_array(requirement.policy_constraints)
	is_string(requirement.risk_level)
	count(unknown_words(requirement)) == 0
}

unknown_words(requirement) := union({
	words.unknown("capability", requirement.required_capabilities),
	words.unknown("data_domain", requirement.data_domains),
	words.unknown("constraint", requirement.policy_constraints),
	words.unknown("risk_level", [requirement.risk_level]),
})

required(requirement) := {c | some c in requirement.required_capabilities}

reached(requirement) := words.expand(requirement.data_domains)

high_risk(requirement) := {c |
	some c in requirement.required_capabilities
	catalogue.capabilities[c].risk == "high"
}

present("active", _)

present("degraded", requirement) if requirement.degraded_allowed == true

present("degraded", requirement) if {
	some constraint in requirement.policy_constraints
	catalogue.constraints[constraint].permits.status == "degraded"
}

least_of(trust, requirement) := min(totals) if {
	totals := [total | some c in required(requirement); total := trust.by_capability[c].total; is_number(total)]
	count(totals) == count(required(requirement))
	count(totals) > 0
} else := trust.general if {
	count(required(requirement)) == 0
	is_number(trust.general)
}

threshold_of(policy, requirement) := limit if {
	limit := catalogue.trust_policies[permissions.trust_policy(policy)].threshold[requirement.risk_level]
	is_number(limit)
}

# ---- what is said of whoever is fit

said_of(one, requirement) := {
	"text": sprintf("Participant has %s and %s.", [capability_words(certified), permission_words(requirement, unreadable)]),
	"judged": {
		"trust": least_of(one.trust, requirement),
		"policy_score": policy_score(count(unreadable)),
		"facts": {"certified": certified},
	},
} if {
	certified := sort({c | some c in required(requirement); one.trust.by_capability[c].certified == true})
	unreadable := unread(requirement, {p | some p in one.candidate.permissions})
}

unread(requirement, held) := sort({domain | some domain, readers in readers_of(requirement); count(readers & held) == 0})

# For each wanted domain the permissions that read it.
readers_of(requirement) := {domain: {p |
	some p, spec in catalogue.permissions
	"read" in spec.actions
	domain in words.expand(spec.domains)
} |
	some domain in requirement.data_domains
}

capability_words([]) := "granted capability"

capability_words(certified) := "certified capability" if count(certified) > 0

permission_words(requirement, _) := "needs no data permissions" if {
	count(requirement.data_domains) == 0
}

permission_words(requirement, []) := sprintf("approved %s permissions", [spoken]) if {
	count(requirement.data_domains) > 0
	spoken := replace(concat(", ", sort(requirement.data_domains)), "_", " ")
}

permission_words(_, unreadable) := sprintf("no read permission yet on %s", [concat(", ", unreadable)]) if {
	count(unreadable) > 0
}

# Policy's own term of the assignment score is lower for whoever cannot yet read what the task is about.
policy_score(0) := 1

policy_score(unreadable) := 0.5 if unreadable > 0

# ---- unfit: one refusal a conjunct that fails, from the input itself

well_formed if {
	is_string(candidate.id)
	is_string(candidate.status)
	is_array(candidate.capabilities)
	is_array(candidate.data_domains)
	is_array(candidate.permissions)
	is_array(wanted.required_capabilities)
	is_array(wanted.data_domains)
	is_array(wanted.policy_constraints)
	is_string(wanted.risk_level)
	is_object(trust.by_capability)
}

shortfalls contains {
	"rule": "input",
	"text": "The question is incomplete.",
	"remedy": "Send candidate, requirement and trust as the bundle describes them.",
} if {
	not well_formed
}

shortfalls contains refusal if some refusal in unknown_words(wanted)

# ---- Active(p)

shortfalls contains {
	"rule": "active",
	"text": sprintf("Participant %s is %s.", [candidate.id, candidate.status]),
	"remedy": "Wait until it is active, or permit degraded participants with degraded_allowed.",
} if {
	not present(candidate.status, wanted)
}

# ---- CapabilityMatch(p, q)

missing contains capability if {
	some capability in wanted.required_capabilities
	not capability in candidate.capabilities
}

shortfalls contains {
	"rule": "capability_match",
	"text": sprintf("Participant %s lacks %s.", [candidate.id, concat(", ", sort(missing))]),
	"remedy": "Register a participant to which these capabilities are granted.",
} if {
	count(missing) > 0
}

# I15: a high-risk capability without a certificate does not match, however trusted its holder is.
uncertified contains capability if {
	some capability in high_risk(wanted)
	not trust.by_capability[capability].certified == true
}

shortfalls contains {
	"rule": "capability_match",
	"text": sprintf("%s is a high-risk capability and not certified here.", [capability]),
	"remedy": sprintf("Have %s certified for this participant.", [capability]),
} if {
	some capability in uncertified
}

# ---- TrustOK(p, q): the least trust over the required capabilities

least := least_of(trust, wanted)

trust_policy := object.get(candidate, "trust_policy", "")

threshold := threshold_of(trust_policy, wanted)

shortfalls contains {
	"rule": "trust_ok",
	"text": sprintf(
		"Trust %v is below %v, what %s asks for %s risk.",
		[round(least * 1000) / 1000, threshold, permissions.trust_policy(trust_policy), wanted.risk_level],
	),
	"remedy": "Certify its capabilities, or let it prove itself on tasks of lower risk.",
} if {
	least < threshold
}

shortfalls contains {
	"rule": "trust_ok",
	"text": "Trust or its threshold is not known.",
	"remedy": "Use a trust policy of the catalogue.",
} if {
	not comparable
}

comparable if {
	is_number(least)
	is_number(threshold)
}

# ---- PolicyAllows(p, q): the data

ungranted := words.expand(wanted.data_domains) - {d | some d in candidate.data_domains}

shortfalls contains {
	"rule": "data_domains",
	"text": sprintf("Participant %s is not granted %s.", [candidate.id, concat(", ", sort(ungranted))]),
	"remedy": "Let it claim these data domains, with an owner that may work on them.",
} if {
	count(ungranted) > 0
}
