"""The private PostgreSQL of a runtime, and the schemas and roles in any PostgreSQL."""
