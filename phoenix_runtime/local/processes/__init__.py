"""Programs as child processes: started, probed, stopped, and never left behind."""
