"""Declares columns of the kinds that every service's tables are made of.

An instant (``timestamptz``) ends in ``_at`` where something happened or falls due, and in
``_until`` where a validity or a claim ends. No other column ends so.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB


def text_column(name: str, *, key: bool = False) -> Column[str]:
    """A text, empty where there is none; part of the primary key where ``key`` is set."""
    return Column(name, Text, primary_key=key, nullable=False)


def count_column(name: str, *, key: bool = False) -> Column[int]:
    """A number that grows: a version, an epoch, a sequence."""
    return Column(name, BigInteger, primary_key=key, autoincrement=False, nullable=False)


def flag_column(name: str) -> Column[bool]:
    """True or false."""
    return Column(name, Boolean, nullable=False)


def instant_column(name: str, *, optional: bool = False) -> Column[datetime]:
    """An instant, NULL where it is ``optional``."""
    return Column(name, DateTime(timezone=True), nullable=optional)


def document_column(name: str, *, optional: bool = False) -> Column[Any]:
    """A JSON document, NULL where it is ``optional``."""
    return Column(name, JSONB(none_as_null=True), nullable=optional)


def wake_columns() -> tuple[Column[datetime], Column[datetime]]:
    """When a worker has to look at the row, and until when one has claimed it."""
    return instant_column("wake_at", optional=True), instant_column("claimed_until", optional=True)
