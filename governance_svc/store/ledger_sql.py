"""The statements of the ledger's writer; one round trip appends a batch."""

from governance_svc.store.ledger_rows import COLUMNS

_NAMES = ", ".join(COLUMNS)
_ARRAYS = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(COLUMNS.values(), start=7))
_CHAIN = f"${7 + len(COLUMNS)}::text[]"

APPEND = f"""
WITH moved AS (
    UPDATE governance.ledger_head SET sequence = $4, chain_hash = $5
    WHERE tenant = $1 AND sequence = $2 AND chain_hash = $3
    RETURNING tenant
)
INSERT INTO governance.ledger_event (tenant, sequence, {_NAMES}, chain_hash)
SELECT moved.tenant, row.* FROM moved CROSS JOIN unnest($6::bigint[], {_ARRAYS}, {_CHAIN}) AS row
"""  # noqa: S608  # column names of ours
"""Moves the head and adds the rows, if and only if the head is where the writer believes.

A writer that was overtaken finds no head, adds nothing and looks again: this is the fence.
"""

HEAD = "SELECT sequence, chain_hash FROM governance.ledger_head WHERE tenant = $1"

LOCKED_HEAD = f"{HEAD} FOR UPDATE"

FIRST_HEAD = """
INSERT INTO governance.ledger_head (tenant, sequence, chain_hash) VALUES ($1, 0, $2)
ON CONFLICT (tenant) DO NOTHING
"""

KNOWN = """
SELECT event_id, service, aggregate, aggregate_version, leaf_hash FROM governance.ledger_event
WHERE tenant = $1 AND event_id = ANY($2::text[])
UNION
SELECT event_id, service, aggregate, aggregate_version, leaf_hash FROM governance.ledger_event
WHERE tenant = $1 AND (service, aggregate, aggregate_version) IN (
    SELECT * FROM unnest($3::text[], $4::text[], $5::bigint[])
)
"""
"""Which of some events, and which of their aggregate versions, are in the ledger already."""
