"""``phoenix-dma tenant``: tenants of the runtime on this machine, each with an operator."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from phoenix_dma.cli.calls import call_runtime, refusal
from phoenix_dma.cli.identity.enrolling import check_writable
from phoenix_dma.cli.output import (
    DataOption,
    Output,
    OutputOption,
    print_facts,
    print_json,
    print_table,
    say,
)
from phoenix_dma.cli.server import issuer_enrolment
from phoenix_dma.errors import AlreadyExists
from phoenix_dma.own_profile import FOLDER, own_profile_path, write_own_profile
from phoenix_dma.profile import Profile, find_profile
from phoenix_dma.v1 import governed_pb2, identity_pb2

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient

EVERYTHING: Final = (
    governed_pb2.ROLE_OPERATOR,
    governed_pb2.ROLE_SUBMITTER,
    governed_pb2.ROLE_REVIEWER,
    governed_pb2.ROLE_AUDITOR,
    governed_pb2.ROLE_POLICY_ADMIN,
)

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
    """Add a tenant, with the profile of its first operator.

    The first operator enrols everybody else. The profile is signed with the issuer's key, which
    lies in the data folder: nobody of one tenant can make somebody of another.
    """
    base = find_profile()
    file = own_profile_path(operator, _of(base, tenant))
    if _known(base).get(tenant):
        raise refusal(_exists(tenant, operator), output)
    check_writable(file)
    credential = _first_operator(operator, _of(base, tenant), data or base.data, output)
    write_own_profile(file, credential, _of(base, tenant))
    _added(tenant, operator, file, output)


@group.command("list")
def list_them(output: OutputOption = Output.TABLE) -> None:
    """List the tenants of which this machine has profiles."""
    rows = _known(find_profile())
    if output is Output.JSON:
        print_json([{"tenant": name, "profiles": rows[name]} for name in sorted(rows)])
        return
    columns = ("tenant", "profile")
    shown = [(name, file) for name in sorted(rows) for file in rows[name] or [""]]
    print_table(columns, shown, empty="")


def _known(base: Profile) -> dict[str, list[str]]:
    """The tenants of which this machine has profiles, the own one among them, and the profiles."""
    folder = (base.follows or base.file or Path()).absolute().parent / FOLDER
    found = {one.name: one for one in folder.iterdir() if one.is_dir()} if folder.is_dir() else {}
    rows = {name: _profiles_in(one) for name, one in found.items()}
    own = base.tenant or "default"
    mine = [str(base.file.absolute())] if base.file is not None and base.file.exists() else []
    rows[own] = [*mine, *(file for file in rows.get(own, ()) if file not in mine)]
    return rows


def _exists(tenant: str, operator: str) -> AlreadyExists:
    """A further operator is made by the first one, never because an id was thought to be new."""
    line = f"phoenix-dma enrol person {operator} --role operator"
    remedy = (
        f"Choose another id. To add an operator to {tenant}: `{line}`, with the profile of one "
        "that it has (`phoenix-dma tenant list`)."
    )
    return AlreadyExists(f"the tenant {tenant} exists already", remedy=remedy)


def _profiles_in(folder: Path) -> list[str]:
    return sorted(str(file) for file in folder.glob("*.toml"))


def _of(base: Profile, tenant: str) -> Profile:
    return replace(base, tenant=tenant, credential=None, token="")


def _first_operator(operator: str, base: Profile, data: Path | None, output: Output) -> str:
    """The credential of the tenant's first operator, whom the issuer itself enrols."""
    order = identity_pb2.CreateEnrolmentRequest(
        kind=identity_pb2.ENROLMENT_KIND_PERSON, identity=operator, roles=EVERYTHING
    )

    async def ask(client: AsyncPhoenixClient) -> str:
        answer = await client.api.ask(client.api.stubs.identity.CreateEnrolment, order)
        return answer.credential

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "issuer.jwt"
        issuer_enrolment(root, base.tenant, data, output)
        return call_runtime(ask, output, base.with_credential(root))


def _added(tenant: str, operator: str, file: Path, output: Output) -> None:
    if output is Output.JSON:
        print_json({"tenant": tenant, "operator": operator, "profile": str(file)})
        return
    print_facts((("tenant", tenant), ("operator", operator), ("profile", file)))
    say(f"to use it: PHOENIX_DMA_PROFILE={file} phoenix-dma …")
