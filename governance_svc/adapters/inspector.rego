# Goes into every engine before a bundle does: reads the bundle's modules as syntax, and later wraps the one question.
package phoenix_engine

# ---- before a module is loaded: input is {"path", "source"}

module := rego.parse_module(input.path, input.source)

report := {"package": package_name, "tests": tests, "impure": impure}

package_name := concat(".", [part.value | some i, part in module["package"].path; i > 0])

tests := {rule.head.name |
	some rule in object.get(module, "rules", [])
	startswith(rule.head.name, "test_")
}

# A decision may rest on its input and the bundle only: not on the network, the clock, chance or the engine's environment.
# Read from the syntax tree, so that no way of writing the name hides it.
impure := {name |
	walk(module, [_, node])
	node.type == "ref"
	name := concat(".", [term.value | some term in node.value; is_string(term.value)])
	some forbidden in forbidden_builtins
	startswith(name, forbidden)
}

forbidden_builtins := {
	"http.send", "net.lookup_ip_addr", "opa.runtime", "rand.", "time.now_ns", "uuid.rfc4122",
}

# ---- afterwards: the question, with the revision that answers it

answer := {"revision": data.phoenix_bundle.revision, "verdicts": verdicts}

default verdicts := null

verdicts := data.phoenix.decide
