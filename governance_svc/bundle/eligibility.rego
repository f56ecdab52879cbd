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

eligible(one, requirement) := object.union(description_of(standing, certified), {"trust": least}) if {
	candidate := one.candidate
	standing := standing_of(
		requirement,
		candidate.status,
		object.get(candidate, "capabilities", []),
		object.get(candidate, "data_domains", []),
		candidate.permissions,
		object.get(candidate, "trust_policy", ""),
	)
	standing.fits
	least := least_of(one, standing.capabilities)
	least >= standing.threshold
	certified := certified_of(one, standing.capabilities)
	covers(certified, standing.high_risk)
}

# What candidates with the same grants share. Whether they fit is said without regard to trust.
standing_of(requirement, status, capabilities, domains, held, trust_policy) := {
	"fits": true,
	"capabilities": criteria.capabilities,
	"needed": count(criteria.capabilities),
	"high_risk": criteria.high_risk,
	"threshold": threshold,
	"data_domains": criteria.data_domains,
	"unreadable": sort({d | some d in criteria.data_domains} - union({permissions.reads(p) | some p in held})),
} if {
	criteria := criteria_of(requirement)
	present(status, requirement)
	covers(capabilities, criteria.capabilities)
	covers(domains, criteria.reached)
	is_array(held)
	threshold := threshold_of(trust_policy, requirement)
} else := {"fits": false}

# The criteria of a well-formed requirement without unknown names. The types are checked, because a
# comprehension over a missing field is empty and would find nothing wrong.
criteria_of(requirement) := {
	"capabilities": required(requirement),
	"high_risk": high_risk(requirement),
	"data_domains": sort(requirement.data_domains),
	"reached": vocabulary.expand(requirement.data_domains),
} if {
	is_array(requirement.required_capabilities)
	is_array(requirement.data_domains)
	is_array(requirement.policy_constraints)
	requirement.risk_level in catalogue.risk_levels
	count([name | some name in requirement.required_capabilities; not catalogue.capabilities[name]]) == 0
	count([name | some name in requirement.data_domains; not catalogue.domains[name]]) == 0
	count([name | some name in requirement.policy_constraints; not catalogue.constraints[name]]) == 0
}

# What a candidate's trust has to reach, in which capabilities.
limits_of(requirement, trust_policy) := {
	"capabilities": capabilities,
	"needed": count(capabilities),
	"high_risk": high_risk(requirement),
	"threshold": threshold_of(trust_policy, requirement),
} if {
	capabilities := required(requirement)
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

present("active", _)

present("degraded", requirement) if requirement.degraded_allowed == true

present("degraded", requirement) if {
	some constraint in requirement.policy_constraints
	catalogue.constraints[constraint].permits.status == "degraded"
}

# Not `object.subset` of a list and a set: it miscounts names that the list holds twice.
covers(names, wanted_names) if count({name | some name in wanted_names; name in names}) == count(wanted_names)

least_of(one, capabilities) := min(totals) if {
	totals := [total | some c in capabilities; total := one.trust.by_capability[c].total; is_number(total)]
	count(totals) == count(capabilities)
	count(totals) > 0
} else := one.trust.general if {
	count(capabilities) == 0
	is_number(one.trust.general)
}

threshold_of(policy, requirement) := limit if {
	limit := catalogue.trust_policies[permissions.trust_policy(policy)].threshold[requirement.risk_level]
	is_number(limit)
}

certified_of(one, capabilities) := {c | some c in capabilities; one.trust.by_capability[c].certified == true}

# ---- the description of an eligible candidate

description_of(standing, certificates) := {
	"text": sprintf("Participant has %s and %s.", [
		capability_text(certified),
		permission_text(standing.data_domains, standing.unreadable),
	]),
	"policy_score": policy_score(count(standing.unreadable)),
	"facts": {"certified": certified},
} if {
	certified := sort(certificates)
}

capability_text([]) := "granted capability"

capability_text(certified) := "certified capability" if count(certified) > 0

permission_text([], []) := "needs no data permissions"

permission_text(domains, []) := sprintf("approved %s permissions", [spoken]) if {
	count(domains) > 0
	spoken := replace(concat(", ", domains), "_", " ")
}

permission_text(_, unreadable) := sprintf("no read permission yet on %s", [concat(", ", unreadable)]) if {
	count(unreadable) > 0
}

# Policy's term of the assignment score is lower for a candidate that may not read the task's domains yet.
policy_score(0) := 1

policy_score(unreadable) := 0.5 if unreadable > 0

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

# The same for all candidates with the same grants: where an id stands in a text, the text is in parts.
template(requirement, status, capabilities, domains, held, certified) := {
	"reasons": [{"rule": pair[0], "parts": split(pair[1], hole)} |
		some pair in sort([[r.rule, r.text] | some r in refusals])
	],
	"refuses": count(refusals) > 0,
	"remediation": sort({r.remedy | some r in refusals}),
} if {
	one := {
		"candidate": {
			"id": hole,
			"status": status,
			"capabilities": capabilities,
			"data_domains": domains,
			"permissions": held,
		},
		"trust": {"by_capability": {c: {"certified": true} | some c in certified}},
	}
	refusals := without_trust(one, requirement)
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

distrusted(one, requirement) := {{
	"rule": "trust_ok",
	"text": sprintf(
		"Trust %v is below %v, what %s asks for %s risk.",
		[round(least * 1000) / 1000, threshold, permissions.trust_policy(policy), requirement.risk_level],
	),
	"remedy": "Certify its capabilities, or let it prove itself on tasks of lower risk.",
} |
	least < threshold
} if {
	least := least_of(one, required(requirement))
	policy := object.get(object.get(one, "candidate", {}), "trust_policy", "")
	threshold := threshold_of(policy, requirement)
} else := {{
	"rule": "trust_ok",
	"text": "Trust or its threshold is not known.",
	"remedy": "Use a trust policy of the catalogue.",
}}

# ---- PolicyAllows(p, q): the data

outside(one, requirement) := {{
	"rule": "data_domains",
	"text": sprintf("Participant %s is not granted %s.", [one.candidate.id, concat(", ", sort(ungranted))]),
	"remedy": "Let it claim these data domains, with an owner that may work on them.",
} |
	ungranted := vocabulary.expand(requirement.data_domains) - {d | some d in one.candidate.data_domains}
	count(ungranted) > 0
}
