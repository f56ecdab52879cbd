# Which domains a permission covers, and which trust policy applies to a participant.
package phoenix.permissions

import data.catalogue
import data.phoenix.vocabulary

# A permission counts for a domain where it names it or an ancestor of it, and where the domain itself is
# granted.
permitted(participant, action, domain) if {
	domain in participant.data_domains
	some permission in participant.permissions
	action in catalogue.permissions[permission].actions
	covers(catalogue.permissions[permission].domains, domain)
}

covers(domains, domain) if {
	domain in domains
} else if {
	domain in vocabulary.expand(domains)
}

# The engine looks a rule up by what its body compares, and not by a constant among its arguments.
trust_policy(name) := catalogue.default_trust_policy if name == ""

trust_policy(name) := name if name != ""

# Whether one of these permissions lets its holder read the domain.
readable(held, domain) if {
	some name in held
	permission := catalogue.permissions[name]
	domain in permission.domains
	"read" in permission.actions
} else if {
	some name in held
	permission := catalogue.permissions[name]
	"read" in permission.actions
	domain in vocabulary.expand(permission.domains)
}
