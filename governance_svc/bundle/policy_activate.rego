# policy.activate: a policy administrator, tests that pass, and a second person outside development.
# The way back asks for as much as the way forth: an overlay only denies and asks, so whoever takes it
# away allows what it refused.
package phoenix.policy.activate

import data.phoenix.callers
import data.phoenix.verdict as answers

bundle := object.get(input, "bundle", {})

verdict := answers.of(
	"phoenix.policy.activate",
	{"allow": allow, "deny": deny, "ask": set(), "obligations": set()},
)

allow contains {
	"rule": "activate",
	"text": sprintf("%s may activate %s.", [input.caller.subject, bundle.revision]),
	"remedy": "",
} if {
	administrator
	tested
	second_person
}

administrator if {
	person_or_program
	"policy_admin" in input.caller.roles
}

# A person who takes part stays a person; an agent or a service changes no policy.
person_or_program if input.caller.participant == ""

person_or_program if input.caller.participant_type == "human"

tested if {
	bundle.tests.passed > 0
	bundle.tests.failed == 0
}

second_person if input.development == true

second_person if {
	proposed
	not callers.is_named(input.caller, bundle.uploaded_by)
}

# Somebody wants it now: an upload says so until another policy is activated.
proposed if {
	is_string(bundle.uploaded_by)
	bundle.uploaded_by != ""
	bundle.pending == true
}

deny contains {
	"rule": "policy_admin",
	"text": "Only policy administrators activate a bundle.",
	"remedy": "Ask for the role policy_admin.",
} if {
	not administrator
}

deny contains {
	"rule": "tests",
	"text": "The bundle's own tests have not all passed.",
	"remedy": "Repair the bundle, or its tests.",
} if {
	not tested
}

deny contains {
	"rule": "second_person",
	"text": "Whoever brought the bundle does not activate it alone.",
	"remedy": "Let another policy administrator activate it.",
} if {
	not second_person
	proposed
}

deny contains {
	"rule": "proposed_anew",
	"text": "Nobody has proposed this since policy changed last, so nobody goes back to it alone.",
	"remedy": "`phoenix-dma policy rollback` proposes it; then another policy administrator activates it.",
} if {
	not second_person
	not proposed
}
