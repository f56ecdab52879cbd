# Turns claims into grants: which claims are granted, expanded over the domain tree, and why others are refused.
package phoenix.grants

import data.catalogue
import data.phoenix.vocabulary

of(claims, owner) := {
	"capabilities": sort(names(claims, "capabilities") - refused_names(capabilities_refused(claims, owner))),
	"data_domains": sort(domains(claims, owner)),
	"permissions": sort(names(claims, "permissions") - refused_names(permissions_refused(claims, owner))),
	"refused": sort(((capabilities_refused(claims, owner) | domains_refused(claims, owner)) | permissions_refused(claims, owner))),
}

# The granted high-risk capabilities, which match only once they are certified (I15).
uncertified(granted) := {c | some c in granted.capabilities; catalogue.capabilities[c].risk == "high"}

owner_entry(owner) := catalogue.owners[owner] if {
	catalogue.owners[owner]
} else := catalogue.owners["*"]

entitled(owner, field, name) if {
	some allowed in owner_entry(owner)[field]
	allowed in {"*", name}
}

names(claims, "data_domains") := {n | some n in object.get(claims, "data_domains", [])} | {n |
	# The paper's participant declares its domains inside metadata (section 7), its SDK at the top (Figure 3).
	some n in object.get(claims, ["metadata", "data_domains"], [])
}

names(claims, field) := {n | some n in object.get(claims, field, [])} if field != "data_domains"

refused_names(refusals) := {r.name | some r in refusals}

domains(claims, owner) := vocabulary.expand(names(claims, "data_domains") - refused_names(domains_refused(claims, owner)))

entitled_domain(owner, name) if {
	some allowed in owner_entry(owner).data_domains
	name in within(allowed)
}

within("*") := object.keys(catalogue.domains)

within(allowed) := vocabulary.expand([allowed]) if allowed != "*"

# ---- refusals, one reason each

capabilities_refused(claims, owner) := {refusal("capability", name, reason) |
	some name in names(claims, "capabilities")
	reason := capability_fault(owner, name)
}

capability_fault(owner, name) := not_known("capability", name) if {
	not vocabulary.known("capability", name)
} else := sprintf("Owner %s may not offer it.", [owner]) if {
	not entitled(owner, "capabilities", name)
}

domains_refused(claims, owner) := {refusal("data_domain", name, reason) |
	some name in names(claims, "data_domains")
	reason := domain_fault(owner, name)
}

domain_fault(owner, name) := not_known("data_domain", name) if {
	not vocabulary.known("data_domain", name)
} else := sprintf("Owner %s may not work on it.", [owner]) if {
	not entitled_domain(owner, name)
}

permissions_refused(claims, owner) := {refusal("permission", name, reason) |
	granted := domains(claims, owner)
	some name in names(claims, "permissions")
	reason := permission_fault(owner, name, granted)
}

permission_fault(owner, name, granted) := not_known("permission", name) if {
	not vocabulary.known("permission", name)
} else := sprintf("Owner %s may not %s.", [owner, concat(", ", sort(foreign))]) if {
	foreign := {a | some a in catalogue.permissions[name].actions; not entitled(owner, "actions", a)}
	count(foreign) > 0
} else := sprintf("Its data domains are not granted: %s.", [concat(", ", sort(outside))]) if {
	outside := vocabulary.expand(catalogue.permissions[name].domains) - granted
	count(outside) > 0
}

refusal(kind, name, reason) := {"kind": kind, "name": name, "reason": reason}

not_known(kind, name) := sprintf("The catalogue knows no %s %v%s.", [vocabulary.spelled_out(kind), name, vocabulary.suggestion(kind, name)])
