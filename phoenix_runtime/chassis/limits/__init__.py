"""What one tenant may ask of a process: rates, concurrent calls, open streams."""
