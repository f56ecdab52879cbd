"""``phoenix-dma token``: a short-lived credential on stdout, for curl, grpcurl and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phoenix_dma.cli.calls import call_runtime
from phoenix_dma.cli.identity.roles import OF_TOKENS, role_numbers
from phoenix_dma.cli.output import (
    Output,
    OutputOption,
    bad,
    print_json,
    say,
)
from phoenix_dma.v1 import identity_pb2

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(token)


def token(
    participant: Annotated[
        str, typer.Option(help="For this participant; for yourself where not given.")
    ] = "",
    owner: Annotated[str, typer.Option(help="The owner of that participant.")] = "",
    kind: Annotated[
        str, typer.Option("--type", help="The type of that participant, such as agent.")
    ] = "",
    role: Annotated[
        list[str] | None,
        typer.Option(help="A role wanted; all that you have where not given. Repeatable."),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print a bearer token of at most 15 minutes.

    curl -H "authorization: Bearer $(phoenix-dma token)" 127.0.0.1:8080/v1/tasks
    """
    roles = role_numbers(role, OF_TOKENS)
    if participant and not owner:
        raise bad("names the owner of --participant, and is missing", "--owner")

    async def ask(client: AsyncPhoenixClient) -> str:
        from phoenix_dma.aio.rpc.credentials import credential_for  # noqa: PLC0415  # see output

        wanted = identity_pb2.EnrolRequest(
            participant_id=participant,
            owner=owner,
            participant_type=kind,
            roles=roles,
        )
        return await credential_for(client.transport, client.profile, wanted).token()

    made = call_runtime(ask, output)
    if output is Output.JSON:
        print_json({"credential": made})
    else:
        say(made)
