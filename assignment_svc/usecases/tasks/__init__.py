"""The verbs of a task, one module each."""
