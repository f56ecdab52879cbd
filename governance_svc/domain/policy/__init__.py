"""Policy: bundles, the engine behind its port, and what its answers mean."""
