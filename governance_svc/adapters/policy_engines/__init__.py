"""Policy engines: OPA in a child process, or an OPA server by its REST API."""
