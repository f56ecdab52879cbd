"""State machines that draw histories of participants, tasks, offers and retirements."""
