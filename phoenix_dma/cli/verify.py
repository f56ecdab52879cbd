"""``phoenix-dma audit verify``: is the audit complete and unchanged, do the tables agree with it.

It reads the database itself, as its administrator, and asks no service: a service may be at fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from phoenix_dma.cli.calls import refusal
from phoenix_dma.cli.output import (
    REFUSED,
    DataOption,
    Output,
    OutputOption,
    counted,
    print_json,
    print_table,
    say,
)
from phoenix_dma.cli.server import needs_server
from phoenix_dma.cli.which_runtime import folder_of
from phoenix_dma.errors import NotFound, Unavailable
from phoenix_dma.wire import starting

if TYPE_CHECKING:
    from phoenix_runtime.local.data_folder.folder import DataFolder
    from phoenix_runtime.local.verification import Judgement

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


def verify(
    data: DataOption = None,
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
    output: OutputOption = Output.TABLE,
) -> None:
    """Verify that the audit is complete, unchanged and consistent.

    It reads the database itself and compares the audit with the tables.

    Exit codes: 0 every rule holds, 1 one does not, 3 the database cannot be reached.
    """
    with needs_server("audit verify", output):
        # Not at the top: the help of `audit` waits for this module.
        import asyncio  # noqa: PLC0415

        from phoenix_runtime.local import verification  # noqa: PLC0415
        from phoenix_runtime.local.errors import LocalRuntimeError  # noqa: PLC0415
    url = postgres_url or _embedded_url(folder_of(data), output)
    try:
        judged = asyncio.run(verification.judge(url, tuple(tenant or ())))
    except LocalRuntimeError as error:
        remedy = "See that the database is up, and that --postgres-url is its administrator's."
        raise _unreachable(str(error), remedy, output) from error
    _require_events(judged, tenant or (), output)
    if output is Output.JSON:
        print_json([_document(one) for one in judged])
    else:
        _show(judged)
    if any(one.findings for one in judged):
        raise typer.Exit(REFUSED)


def _require_events(judged: Sequence[Judgement], asked: Sequence[str], output: Output) -> None:
    """End the command for a tenant that was asked for and has no event: nothing was verified."""
    for one in judged:
        if one.tenant in asked and not one.events:
            remedy = "Check the id; without --tenant every tenant is verified."
            raise refusal(NotFound(f"{one.tenant} has no audit here", remedy=remedy), output)


def _embedded_url(folder: DataFolder, output: Output) -> str:
    """The administrator's URL of the private PostgreSQL of the runtime in ``folder``."""
    from phoenix_runtime.local.postgres.server import Postgres  # noqa: PLC0415  # imports the database

    record = folder.record()
    if record is None:
        line = starting.up_line(folder.path)
        remedy = f"Start it: {line}; or name a database: --postgres-url."
        raise _unreachable(f"The runtime in {folder.path} is down", remedy, output)
    if "postgres" not in record.addresses:
        remedy = "Name it: --postgres-url, as for `phoenix-dma up`."
        raise _unreachable("The runtime uses a PostgreSQL of your own", remedy, output)
    port = record.addresses["postgres"].rpartition(":")[2]
    return Postgres(folder, int(port)).url


def _unreachable(text: str, remedy: str, output: Output) -> typer.Exit:
    return refusal(Unavailable(text, remedy=remedy), output)


def _document(judged: Judgement) -> dict[str, Any]:
    findings = [
        {**asdict(finding), "because": RULES.get(finding.rule, "")} for finding in judged.findings
    ]
    return {**asdict(judged), "findings": findings}


def _show(judged: Sequence[Judgement]) -> None:
    rows = list(_rows(judged))
    for one in judged:
        verdict = counted(len(one.findings), "finding") if one.findings else "everything holds"
        size = f"{counted(one.events, 'event')}, {counted(one.tasks, 'task')}"
        say(f"{one.tenant}: {size}: {verdict}")
    if not judged:
        say("no tenant has an audit here yet")
    if rows:
        print_table(("tenant", "rule", "about", "what is wrong", "because"), rows, empty="")


def _rows(judged: Sequence[Judgement]) -> Iterator[tuple[str, ...]]:
    for one in judged:
        for finding in one.findings:
            because = RULES.get(finding.rule, "")
            yield one.tenant, finding.rule, finding.subject, finding.text, because
