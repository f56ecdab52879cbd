"""The index of discovery in memory: sets of participants, and columns of what ranks them."""
