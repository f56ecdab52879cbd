"""Stand-ins for peers, in the test's own process."""
