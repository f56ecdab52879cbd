# The catalogue's names: which are known, what a domain contains, and the known name most similar to an unknown one.
package phoenix.vocabulary

import data.catalogue

# ---- the domain tree

expand(names) := reached(known, [catalogue.domains[name] | some name in known]) if {
	known := {name | some name in names; catalogue.domains[name]}
}

# These known domains, whose entries are `areas`, with all that they contain. Most contain no other, which one look
# shows; for the others the whole tree is searched.
reached(known, areas) := known if {
	count([1 | some area in areas; area.contains]) == 0
} else := graph.reachable(tree, known)

tree := {name: object.get(spec, "contains", []) | some name, spec in catalogue.domains}

# ---- vocabularies, by the names that refusals use for them

# The engine looks a rule up by what its body compares, and not by a constant among its arguments.
known(kind, name) if {
	kind == "capability"
	catalogue.capabilities[name]
}

known(kind, name) if {
	kind == "constraint"
	catalogue.constraints[name]
}

known(kind, name) if {
	kind == "data_domain"
	catalogue.domains[name]
}

known(kind, name) if {
	kind == "participant_type"
	name in catalogue.participant_types
}

known(kind, name) if {
	kind == "permission"
	catalogue.permissions[name]
}

known(kind, name) if {
	kind == "risk_level"
	name in catalogue.risk_levels
}

known(kind, name) if {
	kind == "trust_policy"
	catalogue.trust_policies[name]
}

known(kind, name) if {
	kind == "operation_kind"
	catalogue.needs[name]
}

names_of("capability") := object.keys(catalogue.capabilities)

names_of("constraint") := object.keys(catalogue.constraints)

names_of("data_domain") := object.keys(catalogue.domains)

names_of("participant_type") := {name | some name in catalogue.participant_types}

names_of("permission") := object.keys(catalogue.permissions)

names_of("risk_level") := {name | some name in catalogue.risk_levels}

names_of("trust_policy") := object.keys(catalogue.trust_policies)

names_of("operation_kind") := object.keys(catalogue.needs)

# A refusal for each of `names` that the catalogue does not know.
unknown(kind, names) := {refusal |
	some name in names
	not known(kind, name)
	refusal := {
		"rule": sprintf("known_%s", [kind]),
		"text": sprintf("The catalogue knows no %s %v%s.", [spelled_out(kind), name, suggestion(kind, name)]),
		"remedy": remedy(kind, name),
	}
}

spelled_out(kind) := replace(kind, "_", " ")

suggestion(kind, name) := sprintf("; nearest is %s", [nearest(kind, name)]) if {
	nearest(kind, name)
} else := ""

remedy(kind, name) := sprintf("Use %s, or have %v added to the catalogue.", [nearest(kind, name), name]) if {
	nearest(kind, name)
} else := sprintf("Have %v added to the catalogue.", [name])

# ---- similarity: the share of letter pairs that two names have in common (Dice); suggested from 0.4 on

nearest(kind, name) := best if {
	ranked := sort([[0 - similarity(name, candidate), candidate] | some candidate in names_of(kind)])
	ranked[0][0] <= -0.4
	best := ranked[0][1]
}

similarity(a, b) := (2 * count(pairs(a) & pairs(b))) / total if {
	total := count(pairs(a)) + count(pairs(b))
	total > 0
} else := 0

pairs(word) := {substring(lower(word), i, 2) |
	is_string(word)
	some i in numbers.range(0, count(word) - 2)
	count(word) > 1
}

# ---- risk

rank(level) := r if catalogue.risk_levels[r] == level

at_least(level, floor) if rank(level) >= rank(floor)
