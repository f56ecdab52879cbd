"""Stores assignment's aggregates in PostgreSQL: tables, repositories, claims, migrations."""
