# Assignable(p, q) = Active AND CapabilityMatch AND TrustOK AND PolicyAllows (paper, section 5): each
# conjunct that fails is one refusal with its name. Asked for discovery and for assignment, so that both always agree.
package phoenix.fitness

import data.catalogue
import data.phoenix.words

shortfalls(candidate, wanted, trust) := union({
	malformed(candidate, wanted, trust),
	vocabulary_faults(wanted),
	inactive(candidate, wanted),
	unmatched(candidate, wanted),
	uncertified(wanted, trust),
	foreign_domains(candidate, wanted),
	distrusted(candidate, wanted, trust),
})

# A comprehension over something missing is empty and would find no fault: what has to be there is checked first.
malformed(candidate, wanted, trust) := {{
	"rule": "input",
	"text": "The question is incomplete.",
	"remedy": "Send candidate, requirement and trust as the bundle describes them.",
} |
	not well_formed(candidate, wanted, trust)
}

well_formed(candidate, wanted, trust) if {
	is_string(candidate.id)
	is_string(candidate.status)
	is_array(candidate.capabilities)
	is_array(candidate.data_domains)
	is_array(wanted.required_capabilities)
	is_array(wanted.data_domains)
	is_array(wanted.policy_constraints)
	is_string(wanted.risk_level)
	is_object(trust.by_capability)
}

vocabulary_faults(wanted) := union({
	words.unknown("capability", wanted.required_capabilities),
	words.unknown("data_domain", wanted.data_domains),
	words.unknown("constraint", wanted.policy_constraints),
	words.unknown("risk_level", [wanted.risk_level]),
})

# ---- Active(p)

inactive(candidate, wanted) := {{
	"rule": "active",
	"text": sprintf("Participant %s is %s.", [candidate.id, candidate.status]),
	"remedy": "Wait until it is active, or permit degraded participants with degraded_allowed.",
} |
	not eligible(candidate, wanted)
}

eligible(candidate, _) if candidate.status == "active"

eligible(candidate, wanted) if {
	candidate.status == "degraded"
	wanted.degraded_allowed == true
}

# ---- CapabilityMatch(p, q)

unmatched(candidate, wanted) := {{
	"rule": "capability_match",
	"text": sprintf("Participant %s lacks %s.", [candidate.id, concat(", ", sort(missing))]),
	"remedy": "Register a participant to which these capabilities are granted.",
} |
	missing := {c | some c in wanted.required_capabilities; not c in candidate.capabilities}
	count(missing) > 0
}

# I15: a high-risk capability without a certificate does not match, however trusted its holder is.
uncertified(wanted, trust) := {{
	"rule": "capability_match",
	"text": sprintf("%s is a high-risk capability and not certified here.", [c]),
	"remedy": sprintf("Have %s certified for this participant.", [c]),
} |
	some c in wanted.required_capabilities
	catalogue.capabilities[c].risk == "high"
	not certified(trust, c)
}

certified(trust, capability) if trust.by_capability[capability].certified == true

# ---- TrustOK(p, q)

distrusted(candidate, wanted, trust) := {{
	"rule": "trust_ok",
	"text": sprintf(
		"Trust %v is below %v, what %s asks for %s risk.",
		[rounded(least(wanted, trust)), threshold(candidate, wanted), trust_policy(candidate), wanted.risk_level],
	),
	"remedy": "Certify its capabilities, or let it prove itself on tasks of lower risk.",
} |
	not trust_ok(candidate, wanted, trust)
	threshold(candidate, wanted)
	least(wanted, trust)
} | {{
	"rule": "trust_ok",
	"text": "Trust or its threshold is not known.",
	"remedy": "Use a trust policy of the catalogue.",
} |
	not threshold_and_trust(candidate, wanted, trust)
}

threshold_and_trust(candidate, wanted, trust) if {
	is_number(threshold(candidate, wanted))
	is_number(least(wanted, trust))
}

trust_ok(candidate, wanted, trust) if least(wanted, trust) >= threshold(candidate, wanted)

least(wanted, trust) := min([trust.by_capability[c].total | some c in wanted.required_capabilities]) if {
	count(wanted.required_capabilities) > 0
	every c in wanted.required_capabilities {
		is_number(trust.by_capability[c].total)
	}
} else := trust.general if {
	count(wanted.required_capabilities) == 0
	is_number(trust.general)
}

threshold(candidate, wanted) := catalogue.trust_policies[trust_policy(candidate)].threshold[wanted.risk_level]

trust_policy(candidate) := candidate.trust_policy if {
	object.get(candidate, "trust_policy", "") != ""
} else := catalogue.default_trust_policy

rounded(x) := round(x * 1000) / 1000

# ---- PolicyAllows(p, q): the data

foreign_domains(candidate, wanted) := {{
	"rule": "data_domains",
	"text": sprintf("Participant %s is not granted %s.", [candidate.id, concat(", ", sort(outside))]),
	"remedy": "Let it claim these data domains, with an owner that may work on them.",
} |
	outside := words.expand(wanted.data_domains) - {d | some d in candidate.data_domains}
	count(outside) > 0
}

# ---- what an allow says

explanation(candidate, wanted, trust) := sprintf("Participant has %s and %s.", [
	capability_words(wanted, trust),
	permission_words(candidate, wanted),
])

capability_words(wanted, trust) := "certified capability" if {
	count(wanted.required_capabilities) > 0
	some c in wanted.required_capabilities
	certified(trust, c)
} else := "granted capability"

permission_words(candidate, wanted) := "needs no data permissions" if {
	count(wanted.data_domains) == 0
} else := sprintf("approved %s permissions", [spoken_domains(wanted)]) if {
	count(unreadable(candidate, wanted)) == 0
} else := sprintf("no read permission yet on %s", [concat(", ", sort(unreadable(candidate, wanted)))])

spoken_domains(wanted) := replace(concat(", ", sort(wanted.data_domains)), "_", " ")

unreadable(candidate, wanted) := {d | some d in wanted.data_domains; not permitted(candidate, "read", d)}

# A permission counts for a domain where it names it or an ancestor of it, and where the domain itself is granted.
permitted(participant, action, domain) if {
	domain in participant.data_domains
	some p in participant.permissions
	action in catalogue.permissions[p].actions
	domain in words.expand(catalogue.permissions[p].domains)
}

# Policy's own term of the assignment score: a participant that cannot yet read what the task is about
# ranks behind one that can.
policy_score(candidate, wanted) := 1 if {
	count(unreadable(candidate, wanted)) == 0
} else := 0.5

facts(wanted, trust) := {"certified": sort({c | some c in wanted.required_capabilities; certified(trust, c)})}
