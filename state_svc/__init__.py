"""What a task carries: context documents, artifacts, references."""
