"""``phoenix-dma mcp``: serve the runtime's calls to an agent host, or take an MCP server in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from phoenix_dma.cli.calls import refusal, say_what_is_missing
from phoenix_dma.cli.mcp.named_server import given_capabilities, given_server
from phoenix_dma.cli.output import INTERRUPTED, Output, print_error
from phoenix_dma.errors import PhoenixError
from phoenix_dma.profile import find_profile

if TYPE_CHECKING:
    from phoenix_dma.declare import ParticipantFields

TOKEN: Final = "PHOENIX_DMA_MCP_TOKEN"  # noqa: S105  # the name of a variable
INSTALL: Final = 'pip install "phoenix-dma[mcp]"'

Id = Annotated[str, typer.Argument(help="The id of the server's participant.")]
Owner = Annotated[str, typer.Option(help="Who is accountable for it.")]
Command = Annotated[
    list[str] | None, typer.Argument(help="The command that starts the server, after --.")
]
Url = Annotated[
    str, typer.Option(help="The URL of a server that runs already, in place of a command.")
]
Offered = Annotated[
    list[str] | None,
    typer.Option(
        help="TOOL=CAPABILITY: offer this tool as that capability; then no other tool is "
        "offered. Repeatable."
    ),
]
Domains = Annotated[list[str] | None, typer.Option(help="Data that its tools touch. Repeatable.")]
Permissions = Annotated[
    list[str] | None, typer.Option(help="A permission that it claims. Repeatable.")
]

group = typer.Typer(invoke_without_command=True)


class ExtraMissing(PhoenixError):
    """A command needs packages of an extra that is not installed."""

    reason = "EXTRA_MISSING"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="mcp")


@group.callback()
def mcp(
    context: typer.Context,
    decide: Annotated[
        bool,
        typer.Option(
            "--decide",
            help="Let the host approve and reject as the person whose profile this is.",
        ),
    ] = False,
    http: Annotated[
        int | None,
        typer.Option(
            help="Serve streamable HTTP at this port of 127.0.0.1, 0 for a free one; stdio where "
            "not given.",
            min=0,
            max=65535,
        ),
    ] = None,
) -> None:
    """Serve the runtime to an agent host as an MCP server, over stdio or HTTP.

    Its tools submit and follow tasks, read checkpoints and approvals, with the profile's own
    credential. Over HTTP, callers send PHOENIX_DMA_MCP_TOKEN as a bearer token; where that is not
    set, one is made and printed.

        {"command": "phoenix-dma", "args": ["mcp"]}
    """
    if context.invoked_subcommand is None:
        with _served():
            _serve(decide=decide, http=http)


@group.command()
def join(
    participant: Id,
    owner: Owner,
    command: Command = None,
    url: Url = "",
    capability: Offered = None,
    domain: Domains = None,
    permission: Permissions = None,
) -> None:
    """Register an MCP server as a participant of type tool.

    Each tool is a capability, and takes tasks that require it. Heartbeats say degraded while the
    server does not answer. Like `phoenix-dma run`, it runs with a profile of its own, until Ctrl-C
    or SIGTERM, and ends with the same exit codes.

        phoenix-dma mcp join tool.records --owner crm -- python server.py
    """
    fields: ParticipantFields = {
        "id": participant,
        "owner": owner,
        "data_domains": domain or [],
        "permissions": permission or [],
    }
    server, capabilities = given_server(command or [], url), given_capabilities(capability or [])
    with _served():
        from phoenix_dma.adapters.mcp import McpOptions  # noqa: PLC0415  # not for help
        from phoenix_dma.cli.identity.run_profile import take_own_profile  # noqa: PLC0415
        from phoenix_dma.cli.mcp.joined import stay_joined  # noqa: PLC0415

        take_own_profile([])
        options = McpOptions(capabilities=capabilities)
        code = stay_joined(server, options, fields)
    raise typer.Exit(code)


@contextmanager
def _served() -> Iterator[None]:
    """End the command with one line for what is missing, or refused."""
    try:
        find_profile().endpoint()  # none is no reason to wait
        say_what_is_missing()
        yield
    except PhoenixError as error:
        raise refusal(error, Output.TABLE) from error
    except ImportError as missing:
        text = f"`phoenix-dma mcp` needs the extra mcp: {missing.msg}"
        absent = ExtraMissing(text, remedy=f"Install it: {INSTALL}")
        raise refusal(absent, Output.TABLE) from missing
    except KeyboardInterrupt as error:
        raise typer.Exit(INTERRUPTED) from error


def _serve(*, decide: bool, http: int | None) -> None:
    # Not at the top: the help of a command waits for nothing.
    import asyncio  # noqa: PLC0415

    from phoenix_dma.adapters.mcp import runtime_server  # noqa: PLC0415

    server = runtime_server(decide=decide)
    if http is None:
        asyncio.run(server.run_stdio_async())
        return
    from phoenix_dma.adapters.mcp.http import new_token, serve_http  # noqa: PLC0415

    given = os.environ.get(TOKEN, "")
    token = given or new_token()

    def told(url: str) -> None:
        print_error(f"MCP at {url}")
        if not given:
            print_error(f"authorization: Bearer {token}")

    asyncio.run(serve_http(server, http, token, told))
