"""Use cases in sub-packages; `steps` below `assignment`, `tasks`, `handoff`, `membership`."""
