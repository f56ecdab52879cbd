"""Windows: peers, Redis, policy engines behind the domain's ports."""
