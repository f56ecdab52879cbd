"""What a runtime keeps in its data folder, beside the database."""
