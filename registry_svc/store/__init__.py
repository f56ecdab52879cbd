"""Cellar: tables, repository, migrations."""
