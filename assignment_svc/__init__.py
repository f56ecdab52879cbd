"""Who shall do it and how it moves: tasks, bindings, handoffs, retirements."""
