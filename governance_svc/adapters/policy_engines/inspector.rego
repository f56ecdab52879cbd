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

# ---- afterwards: the verdicts for a batch, with the revision that answers. Input is {"point": …, "inputs": […]};
# where several inputs have fields in common, these stand once beside them: {"point": …, "common": {…}, "inputs": […]}.

answer := {"revision": revision, "verdicts": verdicts}

default revision := ""

revision := data.phoenix_bundle.revision

default verdicts := null

verdicts := data.phoenix.decide if {
	not input.common
} else := found if {
	found := data.phoenix.decide with input as batch
}

batch := {"point": input.point, "inputs": [object.union(input.common, one) | some one in input.inputs]}
