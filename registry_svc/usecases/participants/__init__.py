"""Use cases on participants: registration, claims, standing, retirement, membership."""
