"""Use cases on sessions: attach, heartbeats, directives, and other replicas."""
