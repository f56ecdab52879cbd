"""``phoenix-dma certify``: certifications of capabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from phoenix_dma.cli.calls import call_runtime, from_now
from phoenix_dma.cli.output import (
    LastOption,
    Output,
    OutputOption,
    Prose,
    bad,
    print_json,
    print_listing,
    say,
)
from phoenix_dma.errors import NotFound
from phoenix_dma.v1 import governance_pb2
from phoenix_dma.wire.conversions import time_of, timestamp

METHODS: Final = ("human", "test_suite", "model_evaluation")

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
    if method not in METHODS:
        raise bad(f"{method!r} is none of: {', '.join(METHODS)}", "--method")
    request = governance_pb2.GrantCertificationRequest(
        participant_id=participant,
        capability=capability,
        evidence=evidence,
        method=method,
        coverage=coverage,
        expire_time=timestamp(from_now("--days", days=days), "--days"),
    )

    async def ask(client: Any) -> Any:
        # The runtime certifies whom it is told to, registered or not: an id may be misspelt.
        await client.api.get_participant(participant)
        return await client.api.ask(client.api.stubs.governance.GrantCertification, request)

    _changed(call_runtime(ask, output), output, "granted")


@group.command()
def revoke(
    certification: Annotated[
        str, typer.Argument(help="The certification's id, or the participant's, as for grant.")
    ],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")],
    capability: Annotated[
        str, typer.Argument(help="The participant's capability; the owner where not given.")
    ] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Revoke a certification; tasks that rest on it move.

    It is named by its id, or by what it certifies, as for `grant`:

    phoenix-dma certify revoke agent.a policy_check --reason "outdated"
    """

    async def by_id(client: Any, certification_id: str) -> Any:
        request = governance_pb2.RevokeCertificationRequest(
            certification_id=certification_id, reason=reason
        )
        return await client.api.ask(client.api.stubs.governance.RevokeCertification, request)

    async def ask(client: Any) -> Any:
        if capability:
            held = await _held(client, certification)
            return await by_id(client, _only(held, certification, capability))
        try:
            return await by_id(client, certification)
        except NotFound as none:
            held = await _held(client, certification)
            if not held:
                raise
            found = _only(held, certification, "", none)
        return await by_id(client, found)

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


async def _held(client: Any, participant: str) -> list[governance_pb2.Certification]:
    """The certifications of a participant that are not revoked, newest last."""
    request = governance_pb2.ListCertificationsRequest(participant_id=participant)
    stub = client.api.stubs.governance.ListCertifications
    found = (await client.api.listing(stub, request, "certifications", 0)).items
    return [one for one in found if not one.HasField("revoke_time")]


def _only(
    held: Sequence[governance_pb2.Certification],
    participant: str,
    capability: str,
    cause: NotFound | None = None,
) -> str:
    """The id of the one certification for ``capability``, the owner's where empty, among ``held``.

    Ends the command where there are several, and says which; raises `NotFound` for none.
    """
    meant = [one for one in held if one.capability == capability]
    what = f"{_what(capability)} of {participant}"
    if len(meant) > 1:
        ids = ", ".join(one.certification_id for one in meant)
        raise bad(f"{what} is certified {len(meant)} times; name one by its id: {ids}")
    if not meant:
        others = [f"{one.capability or '(owner)'} ({one.certification_id})" for one in held]
        known = f"Certified are: {', '.join(others)}." if others else "Nothing of it is certified."
        remedy = f"{known} `phoenix-dma certify list` has them all."
        raise NotFound(f"{what} is not certified", remedy=remedy) from cause
    return meant[0].certification_id


def _what(capability: str) -> str:
    return capability or "the owner"


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
    say(f"{one.certification_id}: {_what(one.capability)} of {one.participant_id} {what}")
