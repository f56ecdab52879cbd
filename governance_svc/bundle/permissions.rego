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

trust_policy("") := catalogue.default_trust_policy

trust_policy(name) := name if name != ""

# The domains that a permission lets its holder read.
reads(name) := vocabulary.expand(catalogue.permissions[name].domains) if {
	"read" in catalogue.permissions[name].actions
}
