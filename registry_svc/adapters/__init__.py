"""Redis, the bus and the credential issuer behind the domain's ports."""
