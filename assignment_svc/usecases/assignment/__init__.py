"""Finding an assignee for a task and binding it (paper, Algorithm 3)."""
