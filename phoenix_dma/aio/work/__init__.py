"""Work: directives, handlers and their executions, contexts, handoffs and outcomes."""
