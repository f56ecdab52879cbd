"""The smallest service that has everything the chassis offers: notes with a version."""
