"""Real servers, and services that run in the test's own process on them."""
