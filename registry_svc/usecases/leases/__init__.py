"""Use cases on leases and health: deadlines, expiry, missed heartbeats, summaries."""
