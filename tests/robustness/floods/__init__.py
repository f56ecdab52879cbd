"""A tenant that floods the runtime with calls of every kind."""
