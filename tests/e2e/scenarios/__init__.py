"""Who acts in a scenario, and what has to hold after it."""
