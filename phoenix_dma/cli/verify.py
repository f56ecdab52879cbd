"""``phoenix-dma audit verify`` tells whether the audit is whole and the tables say the same.

It reads the database itself, as its administrator: whoever is suspected is not asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

import typer

from phoenix_dma.cli.speech import (
    AWAY,
    REFUSED,
    As,
    Data,
    Output,
    err,
    out,
    show_json,
    show_table,
)
from phoenix_runtime.core.validate import Evidence, Finding, validate
from phoenix_runtime.local.folder import Folder, default_folder

RULES: Final = {
    "I2": "one owner at a time, every acquisition under an epoch of its own",
    "I3": "every accepted write was its owner's, under the epoch of that moment",
    "I4": "no acknowledged checkpoint is lost, overwritten or changed",
    "I5": "a handoff is one step, with proof of what was received",
    "I6": "one event for every transition, without a gap; replayed, they give the tables",
    "I7": "no event was changed, taken out or cut off",
    "I8": "nobody holds more than its seats, nor anything after its gate closed",
    "I9": "whatever needs a decision rests on one that allows it",
    "I13": "what waits for a human waits for a question that was asked",
    "Table 5": "every event says what the paper wants it to say",
}
"""The rules by which `validate` judges, in a sentence each (docs/robustness.md)."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was looked at of one tenant, and what does not hold."""

    tenant: str
    events: int
    tasks: int
    findings: tuple[Finding, ...]


def verify(
    data: Data = None,
    postgres_url: Annotated[
        str,
        typer.Option(
            help="The administrator's URL of a PostgreSQL of your own.",
            envvar="PHOENIX_DMA_ADMIN_URL",
        ),
    ] = "",
    tenant: Annotated[
        list[str] | None, typer.Option(help="Only this tenant. Repeatable; else every one.")
    ] = None,
    output: As = Output.TABLE,
) -> None:
    """Verify that the audit is complete, unchanged, and consistent with the tables.

    Exit codes: 0 everything holds, 1 something does not, 3 the database cannot be reached.
    """
    url = postgres_url or _embedded(Folder(data or default_folder()))
    judged = asyncio.run(_judge(url, tuple(tenant or ())))
    if output is Output.JSON:
        show_json([_document(one) for one in judged])
    else:
        _show(judged)
    if any(one.findings for one in judged):
        raise typer.Exit(REFUSED)


def _embedded(folder: Folder) -> str:
    """The administrator's URL of the house's own PostgreSQL."""
    standing = folder.standing()
    if standing is None:
        text = f"the house in {folder.path} is down; start it, or name a database: --postgres-url"
        err.print(text, markup=False, soft_wrap=True)
        raise typer.Exit(AWAY)
    if "postgres" not in standing.addresses:
        text = "the house uses a PostgreSQL of your own: --postgres-url, as for `phoenix-dma up`"
        err.print(text, markup=False, soft_wrap=True)
        raise typer.Exit(AWAY)
    # Imported here: whoever lists events should not wait for databases.
    from phoenix_runtime.local.postgres import Postgres  # noqa: PLC0415

    port = standing.addresses["postgres"].rpartition(":")[2]
    return Postgres(folder, int(port)).url


async def _judge(url: str, tenants: tuple[str, ...]) -> list[Judged]:
    import asyncpg  # noqa: PLC0415

    from phoenix_runtime.local.evidence import read_evidence, tenants_of  # noqa: PLC0415

    try:
        return [
            _judged(tenant, await read_evidence(url, tenant))
            for tenant in tenants or await tenants_of(url)
        ]
    except (OSError, ValueError, asyncpg.PostgresError) as error:
        err.print(f"The database cannot be read: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(AWAY) from error


def _judged(tenant: str, evidence: Evidence) -> Judged:
    return Judged(tenant, len(evidence.events), len(evidence.tasks), validate(evidence))


def _document(judged: Judged) -> dict[str, Any]:
    findings = [
        {**asdict(finding), "because": RULES.get(finding.rule, "")} for finding in judged.findings
    ]
    return {**asdict(judged), "findings": findings}


def _show(judged: list[Judged]) -> None:
    for one in judged:
        verdict = f"{len(one.findings)} findings" if one.findings else "everything holds"
        out.print(f"{one.tenant}: {one.events} events, {one.tasks} tasks: {verdict}", markup=False)
    if not judged:
        out.print("no tenant has an audit here yet", markup=False)
    rows = list(_rows(judged))
    if rows:
        show_table(("tenant", "rule", "about", "what is wrong", "because"), rows, empty="")


def _rows(judged: list[Judged]) -> Iterator[tuple[str, ...]]:
    for one in judged:
        for finding in one.findings:
            because = RULES.get(finding.rule, "")
            yield one.tenant, finding.rule, finding.subject, finding.text, because
