"""``phoenix-dma tenant``: tenants of the runtime on this machine, each with an operator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix_dma.cli.calls import call_runtime
from phoenix_dma.cli.output import (
    DataOption,
    Output,
    OutputOption,
    bad,
    print_facts,
    print_json,
    say,
)
from phoenix_dma.cli.server import needs_server
from phoenix_dma.own_profile import FOLDER, own_profile_path, write_own_profile
from phoenix_dma.profile import Profile, find_profile
from phoenix_dma.v1 import governed_pb2, identity_pb2

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient

group = typer.Typer(
    help="Add and list tenants of the runtime on this machine.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="tenant")


@group.command()
def add(
    tenant: Annotated[str, typer.Argument(help="The tenant's id.")],
    operator: Annotated[
        str, typer.Option(help="The id of the tenant's first operator.")
    ] = "human.operator",
    data: DataOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Add a tenant: a profile for its first operator, who enrols everybody else.

    Signed with the issuer's key, which lies in the data folder: nobody of one tenant can make
    somebody of another.
    """
    with needs_server("tenant"):
        from phoenix_dma.cli.server import issuer_enrolment  # noqa: PLC0415  # of the server
    base = find_profile()
    file = own_profile_path(operator, _of(base, tenant))
    if file.exists():
        raise bad(f"{tenant} has {file} already", "TENANT")
    root = file.with_name(".issuer")
    order = identity_pb2.CreateEnrolmentRequest(
        kind=identity_pb2.ENROLMENT_KIND_PERSON,
        identity=operator,
        roles=[
            governed_pb2.ROLE_OPERATOR,
            governed_pb2.ROLE_SUBMITTER,
            governed_pb2.ROLE_REVIEWER,
            governed_pb2.ROLE_AUDITOR,
            governed_pb2.ROLE_POLICY_ADMIN,
        ],
    )

    async def ask(client: AsyncPhoenixClient) -> str:
        answer = await client.api.ask(client.api.stubs.identity.CreateEnrolment, order)
        return answer.credential

    root.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        issuer_enrolment(root, tenant, data or base.data)
        asking = Profile(
            grpc=base.grpc, tenant=tenant, credential=root, resolve=base.resolve, data=base.data
        )
        credential = call_runtime(ask, output, asking)
    finally:
        root.unlink(missing_ok=True)
    write_own_profile(file, credential, _of(base, tenant))
    _added(tenant, operator, file, output)


@group.command("list")
def list_them(output: OutputOption = Output.TABLE) -> None:
    """List the tenants of which this machine has a profile."""
    base = find_profile()
    folder = (base.follows or base.file or Path()).absolute().parent / FOLDER
    beside = {one.name for one in folder.iterdir() if one.is_dir()} if folder.is_dir() else set()
    found = sorted(beside | {base.tenant or "default"})
    if output is Output.JSON:
        print_json(found)
        return
    for name in found:
        say(name)


def _of(base: Profile, tenant: str) -> Profile:
    return Profile(tenant=tenant, file=base.file, follows=base.follows)


def _added(tenant: str, operator: str, file: Path, output: Output) -> None:
    if output is Output.JSON:
        print_json({"tenant": tenant, "operator": operator, "profile": str(file)})
        return
    print_facts((("tenant", tenant), ("operator", operator), ("profile", file)))
    say(f"to use it: PHOENIX_DMA_PROFILE={file} phoenix-dma …")
