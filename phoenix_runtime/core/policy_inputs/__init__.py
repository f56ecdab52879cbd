"""What policy is shown at each decision point, in one definition.

The services build the inputs, governance checks the rules of a bundle against this definition, and
`docs/policy-inputs.md` is generated from it.
"""
