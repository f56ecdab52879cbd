# Loaded into every engine before a bundle: reads the bundle's modules as syntax trees, and later adds
# the revision to every answer.
package phoenix_engine

# What an engine is asked before anything else: one that cannot say this again evaluates nothing.
echo := input.word

# ---- before the modules are loaded: input is {"modules": {path: source}}

# The impure built-ins that each module calls. A decision may rest on its input and the bundle only:
# not on the network, the clock, chance or the engine's environment. They are read from the syntax tree,
# so that no way of writing the name hides them.
impure[path] := names if {
	some path, source in input.modules
	module := rego.parse_module(path, source)
	names := {name |
		walk(module, [_, node])
		node.type == "ref"
		name := concat(".", [term.value | some term in node.value; is_string(term.value)])
		some forbidden in forbidden_builtins
		startswith(name, forbidden)
	}
}

forbidden_builtins := {
	"http.send", "net.lookup_ip_addr", "opa.runtime", "rand.", "time.now_ns", "uuid.rfc4122",
}

# The syntax tree of each module, from which governance reads which parts of an input its rules use.
trees[path] := rego.parse_module(path, source) if some path, source in input.modules

# ---- afterwards: the verdicts for a batch, with the revision that answers.
#
# Input is {"point": …, "inputs": [{…}]}; several inputs are carried with what they share once, {"point": …, "common":
# {…}, "inputs": [{…}, …], "at": [0, …], "groups": [{"alike": {…}, "candidates": {"id": […], …}, "general": […],
# "capabilities": […], "totals": [[…], …], "at": [1, …]}, …]}. One of `inputs` is an input without what is common to all.
# A group is of inputs that are alike but for fields of the candidate and the trust in it, which stand in columns.
# `at` are their places in the batch.

answer := {"revision": revision, "shared": array.concat(shared, alone)} if {
	input.common
} else := {"revision": revision, "verdicts": data.phoenix.decide} if {
	input.inputs
} else := {"revision": revision, "verdicts": null}

default revision := ""

revision := data.phoenix_bundle.revision

# A bundle may judge groups as they are, each one whole or not at all, and answer verdicts that several inputs share:
# {"verdict": {…}, "at": [1, …], "own": {"trust": […]}}. What of it is each one's own stands by field in `own`, and in place
# of a reason's text there may be its `parts`, to be joined by the candidate's id, or by what each one has in `with`.
default shared := []

shared := data.phoenix.decide_groups if count(input.groups) > 0

# All others are judged input by input.
alone := [{"verdict": verdict, "at": [places[i]]} | some i, verdict in verdicts] if {
	places := array.concat(input.at, [at | some group in input.groups; not group.at[0] in told; some at in group.at])
	count(places) > 0
	by_place := whole # all of them: asked for one by one, each would search the batch
	verdicts := data.phoenix.decide with input as {"point": input.point, "inputs": [by_place[at] | some at in places]}
	is_array(verdicts)
	count(verdicts) == count(places)
} else := []

told := {verdict.at[0] | some verdict in shared}

whole[at] := object.union(input.common, one) if {
	some i, one in input.inputs
	at := input.at[i]
}

whole[at] := object.union_n([input.common, group.alike, own]) if {
	some group in input.groups
	some i, at in group.at
	own := {
		"candidate": {name: column[i] | some name, column in group.candidates},
		"trust": {"general": group.general[i], "by_capability": {capability: {"total": group.totals[i][k]} |
			some k, capability in group.capabilities
		}},
	}
}
