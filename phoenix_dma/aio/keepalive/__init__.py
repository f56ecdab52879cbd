"""Presence: the `KeepAlive` stream, its heartbeats, and the lease that they renew."""
