"""``phoenix-dma certify``: certifications of capabilities."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from phoenix_dma.cli.calls import call_runtime
from phoenix_dma.cli.output import (
    LastOption,
    Output,
    OutputOption,
    Prose,
    print_json,
    print_listing,
    say,
)
from phoenix_dma.v1 import governance_pb2
from phoenix_dma.wire.conversions import time_of, timestamp

group = typer.Typer(
    help="Grant, revoke and list certifications of capabilities.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="certify")


@group.command()
def grant(
    participant: Annotated[
        str, typer.Argument(help="The participant's id; it has to be registered.")
    ],
    evidence: Annotated[str, typer.Option(help="The evidence, in words.")],
    capability: Annotated[
        str, typer.Argument(help="The capability; the owner is certified where not given.")
    ] = "",
    method: Annotated[
        str, typer.Option(help="How it was tested: human, test_suite or model_evaluation.")
    ] = "human",
    coverage: Annotated[
        float, typer.Option(help="Which part of the capability the evidence covers.", min=0, max=1)
    ] = 1.0,
    days: Annotated[float, typer.Option(help="For how many days it holds.", min=0)] = 365,
    output: OutputOption = Output.TABLE,
) -> None:
    """Certify a capability: high-risk ones are matched with it alone.

    phoenix-dma certify grant agent.a policy_check --evidence "passed the suite"
    """
    request = governance_pb2.GrantCertificationRequest(
        participant_id=participant,
        capability=capability,
        evidence=evidence,
        method=method,
        coverage=coverage,
        expire_time=timestamp(datetime.now(UTC) + timedelta(days=days), "--days"),
    )

    async def ask(client: Any) -> Any:
        # The runtime certifies whom it is told to, registered or not: an id may be misspelt.
        await client.api.get_participant(participant)
        return await client.api.ask(client.api.stubs.governance.GrantCertification, request)

    _changed(call_runtime(ask, output), output, "granted")


@group.command()
def revoke(
    certification: Annotated[str, typer.Argument(help="The certification's id.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")],
    output: OutputOption = Output.TABLE,
) -> None:
    """Revoke a certification; tasks that rest on it move."""
    request = governance_pb2.RevokeCertificationRequest(
        certification_id=certification, reason=reason
    )

    async def ask(client: Any) -> Any:
        return await client.api.ask(client.api.stubs.governance.RevokeCertification, request)

    _changed(call_runtime(ask, output), output, "revoked")


@group.command("list")
def list_them(
    participant: Annotated[str, typer.Option(help="Only of this participant.")] = "",
    last: LastOption = 200,
    output: OutputOption = Output.TABLE,
) -> None:
    """List certifications, newest last."""
    request = governance_pb2.ListCertificationsRequest(participant_id=participant)
    found = call_runtime(
        lambda client: client.api.listing(
            client.api.stubs.governance.ListCertifications, request, "certifications", last
        ),
        output,
    )
    columns = ("certification", "participant", "capability", "method", "until", "evidence")
    print_listing(found, output, columns, _row, empty="nobody is certified")


def _row(one: governance_pb2.Certification) -> tuple[object, ...]:
    until = f"{time_of(one.expire_time):%Y-%m-%d}" if one.HasField("expire_time") else ""
    state = "revoked" if one.HasField("revoke_time") else until
    capability = one.capability or "(owner)"
    evidence = Prose(one.evidence)
    return (one.certification_id, one.participant_id, capability, one.method, state, evidence)


def _changed(answer: Any, output: Output, what: str) -> None:
    if output is Output.JSON:
        print_json(answer)
        return
    one = answer.certification
    capability = one.capability or "the owner"
    say(f"{one.certification_id}: {capability} of {one.participant_id} {what}")
