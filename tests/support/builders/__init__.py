"""Makes what tests hand in: events, bundles, calls, keys, payloads."""
