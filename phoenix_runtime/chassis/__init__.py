"""The infrastructure that every service shares: rpc, data, delivery, limits, telemetry."""
