"""Who is here and who can do what: participants, capabilities, sessions, leases."""
