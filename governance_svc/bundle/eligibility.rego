# Assignable(p, q) = Active AND CapabilityMatch AND TrustOK AND PolicyAllows (paper, section 5): each
# conjunct that fails is one refusal with its name. Discovery (for a requirement) and assignment (for a
# task) use the same rules, so they always agree.
#
# Every rule is a function: a batch holds many candidates, the engine answers a call with the same
# arguments from its cache, and `with input as` would start with an empty cache each time. The cache hashes
# all fractions below one alike and then compares them one by one: trust is never an argument by itself,
# only inside the input, which has an id.
package phoenix.eligibility

import data.catalogue
import data.phoenix.permissions
import data.phoenix.vocabulary

# The task, or the requirement of a discovery, which is not a task yet.
wanted(one) := one.task if {
	one.task
} else := object.get(one, "requirement", {})

# ---- eligible: all conjuncts, and the description of a candidate that passes

eligible(one, requirement) := object.union(fit.description, {"trust": least}) if {
	fit := fitting(one, requirement)
	least := least_of(one, fit.capabilities)
	least >= fit.threshold
}

# What all candidates with the same grants and certificates share who fit; the least trust is another's question.
fitting(one, requirement) := {
	"capabilities": criteria.capabilities,
	"needed": criteria.needed,
	"threshold": threshold_of(object.get(candidate, "trust_policy", ""), requirement),
	"description": description(criteria, candidate.permissions, sort(certified)),
} if {
	criteria := criteria_of(requirement)
	candidate := one.candidate
	present(candidate.status, requirement)
	capabilities := object.get(candidate, "capabilities", [])
	is_array(capabilities)
	count([c | some c in criteria.capabilities; c in capabilities]) == criteria.needed
	domains := object.get(candidate, "data_domains", [])
	is_array(domains)
	count([d | some d in criteria.reached; d in domains]) == count(criteria.reached)
	is_array(candidate.permissions)
	certified := {c | some c in criteria.capabilities; one.trust.by_capability[c].certified == true}
	count(criteria.high_risk - certified) == 0
}

# The criteria of a well-formed requirement without unknown names. The types are checked, because a
# comprehension over a missing field is empty and would find nothing wrong.
criteria_of(requirement) := {
	"capabilities": capabilities,
	"needed": count(capabilities),
	"high_risk": {c | "high" in risks; some c in capabilities; catalogue.capabilities[c].risk == "high"},
	"data_domains": sort(domains),
	"reached": vocabulary.reached(domains, areas),
} if {
	capabilities := requirement.required_capabilities
	is_array(capabilities)
	domains := requirement.data_domains
	is_array(domains)
	constraints := requirement.policy_constraints
	is_array(constraints)
	requirement.risk_level in catalogue.risk_levels
	risks := [risk | some c in capabilities; risk := catalogue.capabilities[c].risk]
	count(risks) == count(capabilities)
	areas := [area | some d in domains; area := catalogue.domains[d]]
	count(areas) == count(domains)
	count([c | some c in constraints; catalogue.constraints[c]]) == count(constraints)
}

unknown_names(requirement) := union({
	vocabulary.unknown("capability", requirement.required_capabilities),
	vocabulary.unknown("data_domain", requirement.data_domains),
	vocabulary.unknown("constraint", requirement.policy_constraints),
	vocabulary.unknown("risk_level", [requirement.risk_level]),
})

required(requirement) := {c | some c in requirement.required_capabilities}

high_risk(requirement) := {c |
	some c in requirement.required_capabilities
	catalogue.capabilities[c].risk == "high"
}

# The engine looks a rule up by what its body compares, and not by a constant among its arguments.
present(status, _) if status == "active"

present(status, requirement) if {
	status == "degraded"
	requirement.degraded_allowed == true
}

present(status, requirement) if {
	status == "degraded"
	some constraint in requirement.policy_constraints
	catalogue.constraints[constraint].permits.status == "degraded"
}

least_of(one, capabilities) := min(totals) if {
	totals := [total | some c in capabilities; total := one.trust.by_capability[c].total; is_number(total)]
	count(totals) == count(capabilities)
	count(totals) > 0
} else := one.trust.general if {
	count(capabilities) == 0
	is_number(one.trust.general)
}

threshold_of(policy, requirement) := limit if {
	limit := catalogue.trust_policies[policy].threshold[requirement.risk_level]
	is_number(limit)
} else := threshold_of_default(requirement) if {
	policy == ""
}

threshold_of_default(requirement) := limit if {
	limit := catalogue.trust_policies[catalogue.default_trust_policy].threshold[requirement.risk_level]
	is_number(limit)
}

# ---- the description of an eligible candidate

description(criteria, held, certified) := {
	"text": concat("", ["Participant has ", ability, " and ", access(criteria.data_domains, unreadable), "."]),
	"policy_score": score,
	"facts": {"certified": certified},
} if {
	ability := {true: "certified capability", false: "granted capability"}[count(certified) > 0]
	unreadable := sort({d | some d in criteria.data_domains; not permissions.readable(held, d)})

	# Policy's term of the assignment score is lower for a candidate that may not read the task's domains yet.
	score := {true: 1, false: 0.5}[count(unreadable) == 0]
}

access(domains, unreadable) := sprintf("approved %s permissions", [replace(concat(", ", domains), "_", " ")]) if {
	count(unreadable) == 0
	count(domains) > 0
} else := "needs no data permissions" if {
	count(domains) == 0
} else := sprintf("no read permission yet on %s", [concat(", ", unreadable)])

# ---- not eligible: one refusal for each conjunct that fails, from the input itself

shortfalls(one) := without_trust(one, requirement) | distrusted(one, requirement) if {
	requirement := wanted(one)
}

without_trust(one, requirement) := union({
	incomplete(one, requirement),
	{refusal | some refusal in unknown_names(requirement)},
	inactive(one, requirement),
	incapable(one, requirement),
	uncertified(one, requirement),
	outside(one, requirement),
})

# What all with the same grants and certificates lack beside trust; each text in parts, between which an id stands.
# Undefined for a candidate without these fields.
lacking(one, requirement) := {
	"reasons": [{"rule": pair[0], "parts": split(pair[1], hole)} |
		some pair in sort([[r.rule, r.text] | some r in refusals])
	],
	"remediation": sort({r.remedy | some r in refusals}),
} if {
	count({"status", "capabilities", "data_domains", "permissions"} - object.keys(one.candidate)) == 0
	refusals := without_trust(object.union(one, {"candidate": {"id": hole}}), requirement)
}

# In place of an id: no name holds it.
hole := "\u0000id\u0000"

incomplete(one, requirement) := set() if {
	is_string(one.candidate.id)
	is_string(one.candidate.status)
	is_array(one.candidate.capabilities)
	is_array(one.candidate.data_domains)
	is_array(one.candidate.permissions)
	is_array(requirement.required_capabilities)
	is_array(requirement.data_domains)
	is_array(requirement.policy_constraints)
	is_string(requirement.risk_level)
	is_object(one.trust.by_capability)
} else := {{
	"rule": "input",
	"text": "The input is incomplete.",
	"remedy": "Send candidate, requirement and trust as the bundle describes them.",
}}

# ---- Active(p)

inactive(one, requirement) := {{
	"rule": "active",
	"text": sprintf("Participant %s is %s.", [one.candidate.id, one.candidate.status]),
	"remedy": "Wait until it is active, or permit degraded participants with degraded_allowed.",
} |
	not present(one.candidate.status, requirement)
}

# ---- CapabilityMatch(p, q)

incapable(one, requirement) := {{
	"rule": "capability_match",
	"text": sprintf("Participant %s lacks %s.", [one.candidate.id, concat(", ", sort(missing))]),
	"remedy": "Register a participant to which these capabilities are granted.",
} |
	missing := {c | some c in requirement.required_capabilities; not c in one.candidate.capabilities}
	count(missing) > 0
}

# I15: a high-risk capability without a certification does not match, however trusted its holder is.
uncertified(one, requirement) := {{
	"rule": "capability_match",
	"text": sprintf("%s is a high-risk capability and not certified here.", [capability]),
	"remedy": sprintf("Have %s certified for this participant.", [capability]),
} |
	some capability in high_risk(requirement)
	not one.trust.by_capability[capability].certified == true
}

# ---- TrustOK(p, q): the least trust over the required capabilities

distrusted(one, requirement) := {doubt(shown(least), threshold, policy, requirement) | least < threshold} if {
	least := least_of(one, required(requirement))
	policy := object.get(object.get(one, "candidate", {}), "trust_policy", "")
	threshold := threshold_of(policy, requirement)
} else := {{
	"rule": "trust_ok",
	"text": "Trust or its threshold is not known.",
	"remedy": "Use a trust policy of the catalogue.",
}}

shown(trust) := round(trust * 1000) / 1000

doubt(trust, threshold, policy, requirement) := {
	"rule": "trust_ok",
	"text": sprintf(
		"Trust %v is below %v, what %s asks for %s risk.",
		[trust, threshold, permissions.trust_policy(policy), requirement.risk_level],
	),
	"remedy": "Certify its capabilities, or let it prove itself on tasks of lower risk.",
}

# ---- PolicyAllows(p, q): the data

outside(one, requirement) := {{
	"rule": "data_domains",
	"text": sprintf("Participant %s is not granted %s.", [one.candidate.id, concat(", ", sort(ungranted))]),
	"remedy": "Let it claim these data domains, with an owner that may work on them.",
} |
	ungranted := vocabulary.expand(requirement.data_domains) - {d | some d in one.candidate.data_domains}
	count(ungranted) > 0
}
