"""Pure rules: aggregates with their transitions, guards, scores, and the ports."""
