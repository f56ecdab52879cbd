# ruff: noqa: S608  # only names of ours become part of a statement; values are parameters
"""The statements of the registry, each one round trip."""

from typing import Final

from registry_svc.store.rows import COLUMNS

MOST_JOINED: Final = 4
"""Names that are looked up in the graph; the rest is checked on the rows that are left."""

LOCK: Final = f"""
SELECT {COLUMNS} FROM registry.participant
WHERE tenant = $1 AND id = ANY($2::text[]) ORDER BY id FOR UPDATE
"""

CLAIM_ID: Final = "SELECT pg_advisory_xact_lock(hashtextextended('registry.participant/' || $1, 0))"

MOVE: Final = """
UPDATE registry.participant AS p
SET status = m.status, status_reason = m.status_reason, retirement_id = m.retirement_id,
    standing_revision = m.standing_revision, version = m.version, updated_at = m.updated_at
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
            $8::timestamptz[])
    AS m (id, status, status_reason, retirement_id, standing_revision, version, updated_at)
WHERE p.tenant = $1 AND p.id = m.id
"""

PARTICIPANT_COLUMNS: Final = (
    "id, type, owner, status, status_reason, liveness, trust_policy, capacity, cost, generation,"
    " standing_revision, version, capabilities, data_domains, permissions, task_types, refused,"
    " declared, retirement_id, created_at, updated_at"
)
_VALUES: Final = ", ".join(f"${number}" for number in range(2, 23))
_CHANGED: Final = ", ".join(
    f"{name} = EXCLUDED.{name}"
    for name in PARTICIPANT_COLUMNS.split(", ")
    if name not in {"id", "created_at"}
)

WRITE: Final = f"""
WITH row AS (
    INSERT INTO registry.participant (tenant, {PARTICIPANT_COLUMNS}) VALUES ($1, {_VALUES})
    ON CONFLICT (tenant, id) DO UPDATE SET {_CHANGED}
), gone AS (
    DELETE FROM registry.edge AS e WHERE e.tenant = $1 AND e.participant_id = $2
    AND NOT EXISTS (
        SELECT FROM unnest($23::text[], $24::text[]) AS n (kind, name)
        WHERE n.kind = e.kind AND n.name = e.name
    )
)
INSERT INTO registry.edge (tenant, participant_id, kind, name, granted, refused_because)
SELECT $1, $2, n.kind, n.name, n.granted, n.because
FROM unnest($23::text[], $24::text[], $25::bool[], $26::text[])
    AS n (kind, name, granted, because)
ON CONFLICT (tenant, participant_id, kind, name)
DO UPDATE SET granted = EXCLUDED.granted, refused_because = EXCLUDED.refused_because
WHERE (edge.granted, edge.refused_because)
    IS DISTINCT FROM (EXCLUDED.granted, EXCLUDED.refused_because)
"""

RECORD_GENERATION: Final = """
INSERT INTO registry.generation (tenant, participant_id, generation, registered_at, actor,
    policy_decision_id, audit_event_id) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

STORE_DIRECTIVES: Final = """
INSERT INTO registry.directive (tenant, directive_id, participant_id, document, created_at)
SELECT $1, d.id, d.participant_id, d.document::jsonb, $5
FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY
    AS d (id, participant_id, document, ordinal)
ORDER BY d.ordinal
ON CONFLICT (tenant, directive_id) DO NOTHING
"""

ACKNOWLEDGE: Final = """
UPDATE registry.directive AS d SET acknowledged_at = $5, error = a.error
FROM unnest($2::text[], $3::text[], $4::text[]) AS a (id, participant_id, error)
WHERE d.tenant = $1 AND d.directive_id = a.id AND d.participant_id = a.participant_id
    AND d.acknowledged_at IS NULL
"""

MANY: Final = f"""
SELECT {COLUMNS} FROM registry.participant WHERE tenant = $1 AND id = ANY($2::text[]) ORDER BY id
"""

PAGE: Final = f"""
SELECT {COLUMNS} FROM registry.participant
WHERE tenant = $1 AND id > $2
    AND (cardinality($3::text[]) = 0 OR status = ANY($3))
    AND (cardinality($4::text[]) = 0 OR type = ANY($4))
    AND ($5::text = '' OR owner = $5)
ORDER BY id LIMIT $6
"""

EDGES: Final = """
SELECT participant_id, kind, name, granted, refused_because FROM registry.edge
WHERE tenant = $1 AND (participant_id, kind, name) > ($2, $3, $4)
    AND ($5::text = '' OR participant_id = $5) AND ($6::text = '' OR kind = $6)
    AND ($7::text = '' OR name = $7) AND (granted OR $8)
ORDER BY participant_id, kind, name LIMIT $9
"""

WAITING: Final = """
SELECT d.document FROM unnest($2::text[]) AS p (id)
CROSS JOIN LATERAL (
    SELECT document, position FROM registry.directive
    WHERE tenant = $1 AND participant_id = p.id AND acknowledged_at IS NULL
    ORDER BY position LIMIT $3
) AS d ORDER BY d.position
"""

LEASE_HOLDERS: Final = """
SELECT tenant, id, generation FROM registry.participant
WHERE liveness = 'leased' AND (status IN ('registered', 'active', 'degraded')
    OR (status = 'retiring' AND status_reason = 'participant_retirement'))
"""

TENANTS: Final = """
SELECT DISTINCT tenant FROM registry.participant
WHERE status IN ('registered', 'active', 'degraded')
"""

PRUNE_DIRECTIVES: Final = """
DELETE FROM registry.directive WHERE acknowledged_at < $1 OR created_at < $2
"""

_FITS: Final = """
p.status = ANY($2::text[]) AND p.capabilities @> $3::text[] AND p.data_domains @> $4::text[]
AND ($5::text = '' OR p.task_types = '{}' OR $5 = ANY(p.task_types))
"""


def matching(joined: int) -> str:
    """Participants to whom everything is granted, with ``joined`` names looked up in the graph.

    $1 tenant, $2 statuses, $3 capabilities, $4 domains, $5 task type, $6 after, $7 excluded,
    $8 limit, then kind and name of each joined edge.
    """
    edges = "".join(
        f"""AND EXISTS (SELECT FROM registry.edge AS e WHERE e.tenant = p.tenant AND e.granted
            AND e.kind = ${9 + 2 * index} AND e.name = ${10 + 2 * index}
            AND e.participant_id = p.id)\n"""
        for index in range(joined)
    )
    return f"""
SELECT {COLUMNS} FROM registry.participant AS p
WHERE p.tenant = $1 AND {_FITS} AND p.id > $6 AND p.id <> ALL($7::text[])
{edges}ORDER BY p.id LIMIT $8
"""


_NEAR: Final = f"""
SELECT {COLUMNS} FROM registry.participant AS p
WHERE p.tenant = $1 AND NOT ({_FITS}) AND p.status <> 'retired' AND p.id <> ALL($6::text[])
"""

NEAR_ANY: Final = f"{_NEAR} LIMIT $7"
"""Who does not fit, where no capability is asked for."""

# A bounded look: the planner would otherwise read the whole table for a capability that many have.
NEAR: Final = f"""
WITH holders AS MATERIALIZED (
    SELECT DISTINCT participant_id FROM (
        SELECT e.participant_id FROM registry.edge AS e
        WHERE e.tenant = $1 AND e.kind = 'capability' AND e.name = ANY($3) AND e.granted
        LIMIT 512
    ) AS held
)
{_NEAR} AND p.id = ANY(ARRAY(SELECT participant_id FROM holders)) LIMIT $7
"""
"""Who holds one of the capabilities and does not fit."""
