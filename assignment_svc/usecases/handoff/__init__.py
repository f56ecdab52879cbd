"""Moving a task from one owner to the next (paper, Algorithm 5)."""
