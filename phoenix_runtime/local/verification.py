"""Judges the audit of each tenant from the tables of a running deployment."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from phoenix_runtime.core.validate import Finding, validate
from phoenix_runtime.local.errors import LocalRuntimeError
from phoenix_runtime.local.evidence import read_evidence, tenants_of


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was read of one tenant, and which rules do not hold there."""

    tenant: str
    events: int
    tasks: int
    findings: tuple[Finding, ...]


async def judge(admin_url: str, tenants: tuple[str, ...] = ()) -> list[Judgement]:
    """Judge ``tenants``, or every tenant that has an audit.

    ``admin_url`` is the database administrator's. Raises `LocalRuntimeError` where the database
    cannot be read.
    """
    try:
        chosen = tenants or await tenants_of(admin_url)
        return [await _judge_one(admin_url, tenant) for tenant in chosen]
    except (OSError, ValueError, asyncpg.PostgresError) as error:
        raise LocalRuntimeError(f"The database cannot be read: {error}") from error


async def _judge_one(admin_url: str, tenant: str) -> Judgement:
    evidence = await read_evidence(admin_url, tenant)
    return Judgement(tenant, len(evidence.events), len(evidence.tasks), validate(evidence))
