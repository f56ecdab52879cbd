# The caller: the bearer of the credential, as governance read it, never as the request claims.
package phoenix.callers

has_role(caller, wanted) if {
	some role in caller.roles
	role in wanted
}

is_operator(caller) if "operator" in caller.roles

# The participant itself.
is_participant(caller, id) if {
	is_string(id)
	id != ""
	caller.participant == id
}

# A person or program may hold a credential of its own and one as a participant: both names are the same identity.
is_named(caller, id) if {
	is_string(id)
	id != ""
	id in {caller.subject, caller.participant}
}

# For texts: a caller that takes part in nothing has its subject alone.
name(caller) := caller.participant if {
	caller.participant != ""
} else := caller.subject
