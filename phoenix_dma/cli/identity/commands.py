"""``phoenix-dma enrol``, ``user`` and ``role``: who may be whom, and what they may do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from phoenix_dma.cli.calls import call_runtime, word
from phoenix_dma.cli.identity.enrolling import enrol_identity, names
from phoenix_dma.cli.identity.roles import OF_OTHERS, OF_PEOPLE, role_numbers
from phoenix_dma.cli.output import (
    LastOption,
    Output,
    OutputOption,
    print_json,
    print_listing,
    say,
)
from phoenix_dma.v1 import identity_pb2
from phoenix_dma.wire.conversions import short

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient

Identity = Annotated[str, typer.Argument(help="The identity, such as human.steward.jane.")]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role", help="submitter, operator, reviewer, auditor or policy_admin. Repeatable."
    ),
]
OtherRoles = Annotated[
    list[str] | None, typer.Option("--role", help="submitter or auditor. Repeatable.")
]
File = Annotated[
    Path | None,
    typer.Option(help="Where the profile is written; beside this one where not given."),
]
Owner = Annotated[str, typer.Option(help="The owner; a person is their own where not given.")]

NO_ROLE: Final = {
    identity_pb2.ENROLMENT_KIND_PARTICIPANT: "none: takes part only",
    identity_pb2.ENROLMENT_KIND_PERSON: "none: takes part only",
}
"""What an identity without a role may do, by its kind; others may do nothing."""

enrol = typer.Typer(
    help="Make a profile that can be one identity and nothing more.", no_args_is_help=True
)
user = typer.Typer(help="Add, list and disable people, agents and programs.", no_args_is_help=True)
role = typer.Typer(help="Grant and revoke roles of an identity.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(enrol, name="enrol")
    app.add_typer(user, name="user")
    app.add_typer(role, name="role")


@enrol.command()
def participant(
    identity: Identity,
    owner: Annotated[str, typer.Option(help="The participant's owner.")],
    kind: Annotated[str, typer.Option("--type", help="The participant's type.")] = "agent",
    roles: OtherRoles = None,
    profile: File = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make the profile of whatever takes part and is no person.

    phoenix-dma enrol participant agent.steward.001 --owner data-governance
    """
    order = identity_pb2.CreateEnrolmentRequest(
        kind=identity_pb2.ENROLMENT_KIND_PARTICIPANT,
        identity=identity,
        owner=owner,
        participant_type=kind,
        roles=role_numbers(roles, OF_OTHERS),
    )
    enrol_identity(order, profile, output)


@enrol.command()
def person(
    identity: Identity,
    roles: Roles = None,
    owner: Owner = "",
    profile: File = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make the profile of a person, who takes part from now on.

    A reviewer where no role is given.

    phoenix-dma enrol person human.steward.jane --role reviewer
    """
    order = identity_pb2.CreateEnrolmentRequest(
        kind=identity_pb2.ENROLMENT_KIND_PERSON,
        identity=identity,
        owner=owner,
        roles=role_numbers(roles, OF_PEOPLE),
    )
    enrol_identity(order, profile, output)


@enrol.command()
def submitter(
    identity: Identity,
    roles: OtherRoles = None,
    profile: File = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make the profile of somebody who submits tasks alone.

    phoenix-dma enrol submitter ci.pipeline
    """
    order = identity_pb2.CreateEnrolmentRequest(
        kind=identity_pb2.ENROLMENT_KIND_SUBMITTER,
        identity=identity,
        roles=role_numbers(roles, OF_OTHERS),
    )
    enrol_identity(order, profile, output)


user.command(
    "add",
    help="Add a person, who takes part from now on; a reviewer by default.\n\n"
    "phoenix-dma user add human.steward.jane --role reviewer",
)(person)


@user.command("list")
def list_them(
    kind: Annotated[
        list[str] | None, typer.Option(help="participant, person or submitter. Repeatable.")
    ] = None,
    last: LastOption = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """List who was enrolled and by whom, newest last.

    An enrolment is replaced where its identity has a newer one; it gets no credential any more.
    """
    request = identity_pb2.ListEnrolmentsRequest(
        kinds=[word(identity_pb2.EnrolmentKind, name, "--kind") for name in kind or ()]
    )
    found = call_runtime(
        lambda client: client.api.listing(
            client.api.stubs.identity.ListEnrolments, request, "enrolments", last
        ),
        output,
    )
    columns = ("identity", "kind", "status", "type", "owner", "roles", "enrolled by")
    newest = {one.identity: one.enrolment_id for one in found.items}

    def row(one: identity_pb2.Enrolment) -> tuple[object, ...]:
        replaced = one.identity != "" and one.enrolment_id != newest[one.identity]
        return _row(one, replaced=replaced)

    print_listing(found, output, columns, row, empty="nobody is enrolled")


@user.command()
def disable(
    identity: Identity,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")],
    output: OutputOption = Output.TABLE,
) -> None:
    """End an identity, and suspend its participant.

    It gets no credential any more; one that is out lives for at most 15 minutes. `user enable`
    makes a new one.
    """
    request = identity_pb2.DisableIdentityRequest(identity=identity, reason=reason)
    answer = call_runtime(
        lambda client: client.api.ask(client.api.stubs.identity.DisableIdentity, request), output
    )
    _show(list(answer.enrolments), output, f"{identity} is disabled")


@user.command()
def enable(identity: Identity, profile: File = None, output: OutputOption = Output.TABLE) -> None:
    """Enrol a disabled identity again, with a new credential."""

    async def ask(client: AsyncPhoenixClient) -> identity_pb2.CreateEnrolmentRequest:
        from phoenix_dma.errors import NotFound  # noqa: PLC0415  # not for help

        api = client.api
        request = identity_pb2.ListEnrolmentsRequest(identity=identity)
        known = await api.pages(api.stubs.identity.ListEnrolments, request, "enrolments", 1)
        if not known:
            raise NotFound(f"{identity} was never enrolled", {"identity": identity})
        if known[0].kind != identity_pb2.ENROLMENT_KIND_SUBMITTER:
            await _reinstated(client, identity)
        return identity_pb2.CreateEnrolmentRequest(
            kind=known[0].kind,
            identity=identity,
            owner=known[0].owner,
            participant_type=known[0].participant_type,
            roles=known[0].roles,
        )

    enrol_identity(call_runtime(ask, output), profile, output)


@role.command()
def grant(
    identity: Identity,
    roles: Annotated[
        list[str],
        typer.Argument(help="submitter, operator, reviewer, auditor or policy_admin; several."),
    ],
    output: OutputOption = Output.TABLE,
) -> None:
    """Give an identity roles that you hold yourself.

    They hold from its next credential on.
    """
    request = identity_pb2.ChangeRolesRequest(
        identity=identity, grant=role_numbers(roles, OF_PEOPLE, "ROLES")
    )
    _change(request, output)


@role.command()
def revoke(
    identity: Identity,
    roles: Annotated[
        list[str],
        typer.Argument(help="submitter, operator, reviewer, auditor or policy_admin; several."),
    ],
    output: OutputOption = Output.TABLE,
) -> None:
    """Take roles from an identity.

    A credential that is out keeps them for at most 15 minutes.
    """
    request = identity_pb2.ChangeRolesRequest(
        identity=identity, revoke=role_numbers(roles, OF_PEOPLE, "ROLES")
    )
    _change(request, output)


async def _reinstated(client: AsyncPhoenixClient, identity: str) -> None:
    """Lift the suspension that came with the disabling, where there is one."""
    from phoenix_dma.errors import IllegalTransition, NotFound  # noqa: PLC0415  # not for help
    from phoenix_dma.v1 import registry_pb2  # noqa: PLC0415

    request = registry_pb2.ReinstateParticipantRequest(
        participant_id=identity, reason="its identity is enabled"
    )
    try:
        await client.api.ask(client.api.stubs.registry.ReinstateParticipant, request)
    except (IllegalTransition, NotFound):
        return  # it was not suspended, or never took part


def _change(request: identity_pb2.ChangeRolesRequest, output: Output) -> None:
    answer = call_runtime(
        lambda client: client.api.ask(client.api.stubs.identity.ChangeRoles, request), output
    )
    found = list(answer.enrolments)
    held = names(found[-1].roles) if found else ""
    _show(found, output, f"{request.identity} has {held or 'no role'}")


def _show(found: list[identity_pb2.Enrolment], output: Output, text: str) -> None:
    if output is Output.JSON:
        print_json(found)
    else:
        say(text)


def _row(one: identity_pb2.Enrolment, *, replaced: bool) -> tuple[object, ...]:
    ended = one.status == identity_pb2.ENROLMENT_STATUS_DISABLED
    return (
        one.identity or "(its first use decides)",
        short(identity_pb2.EnrolmentKind, one.kind),
        "replaced" if ended and replaced else short(identity_pb2.EnrolmentStatus, one.status),
        one.participant_type,
        one.owner,
        names(one.roles) or NO_ROLE.get(one.kind, "none"),
        one.enrolled_by[-1].subject if one.enrolled_by else "",
    )
