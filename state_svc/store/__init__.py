"""Stores contents and references in PostgreSQL: tables, repositories, migrations."""
