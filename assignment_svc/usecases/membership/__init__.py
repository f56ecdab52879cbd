"""What a participant's standing and its retirement mean for its tasks (paper, Algorithm 6)."""
