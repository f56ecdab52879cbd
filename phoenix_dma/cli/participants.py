"""``phoenix-dma participants``, ``retire`` and ``discover``: the registry on the command line."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from phoenix_dma.cli.calls import call_runtime, from_now, states, word
from phoenix_dma.cli.output import (
    LastOption,
    Output,
    OutputOption,
    print_facts,
    print_json,
    print_listing,
    print_note,
    print_table,
    say,
)
from phoenix_dma.nearest import did_you_mean
from phoenix_dma.v1 import common_pb2, handoff_pb2, registry_pb2
from phoenix_dma.wire.conversions import json_of, message_to_dict, short

LEFT: Final = "participant_left"
"""The reason of a participant's state after its Goodbye."""

Id = Annotated[str, typer.Argument(help="The participant's id.")]
Status = Annotated[list[str] | None, typer.Option(help=states(registry_pb2.ParticipantStatus))]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit.")]

group = typer.Typer(invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="participants")
    app.command()(retire)
    app.command()(discover)


@group.callback()
def participants(
    context: typer.Context, last: LastOption = 200, output: OutputOption = Output.TABLE
) -> None:
    """List participants, or show, suspend or reinstate one.

    phoenix-dma participants list --status active --output json
    """
    if context.invoked_subcommand is None:
        list_them(status=None, kind=None, last=last, output=output)


@group.command("list")
def list_them(
    status: Status = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only this type, such as agent or human. Repeatable."),
    ] = None,
    last: LastOption = 200,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the participants, those that registered last at the end."""
    request = registry_pb2.ListParticipantsRequest(
        statuses=[word(registry_pb2.ParticipantStatus, name, "--status") for name in status or ()],
        types=kind or (),
        newest_first=True,
    )
    found = call_runtime(
        lambda client: client.api.listing(
            client.api.stubs.registry.ListParticipants, request, "participants", last
        ),
        output,
    )
    columns = ("participant", "type", "status", "owner", "trust", "load", "capabilities")
    print_listing(found, output, columns, _row, empty="no participant matches")


@group.command()
def show(participant: Id, output: OutputOption = Output.TABLE) -> None:
    """Show one participant: claims, grants, what was refused and why."""
    found = call_runtime(lambda client: client.api.get_participant(participant), output)
    if output is Output.JSON:
        print_json(found)
        return
    fields = message_to_dict(found)
    fields["status"] = _status(found)
    names = ("id", "type", "status", "status_reason", "owner", "generation", "standing_revision")
    facts: list[tuple[str, Any]] = [(name, fields.get(name)) for name in names]
    facts += [(name, ", ".join(fields[name])) for name in ("capabilities", "data_domains")]
    facts += [
        ("permissions", ", ".join(fields["permissions"])),
        ("trust", fields.get("trust_score")),
    ]
    facts += [("capacity", fields["capacity"]), ("last heartbeat", fields.get("last_heartbeat"))]
    print_facts(facts)
    for refused in found.refused:
        say(f"refused {refused.kind} {refused.name}: {refused.reason}")


@group.command()
def suspend(
    participant: Id, reason: Reason = "suspended by hand", output: OutputOption = Output.TABLE
) -> None:
    """Suspend a participant: its gate closes and its tasks move."""

    async def ask(client: Any) -> Any:
        request = registry_pb2.SuspendParticipantRequest(participant_id=participant, reason=reason)
        return await client.api.ask(client.api.stubs.registry.SuspendParticipant, request)

    _changed(call_runtime(ask, output), output)


@group.command()
def reinstate(
    participant: Id, reason: Reason = "reinstated by hand", output: OutputOption = Output.TABLE
) -> None:
    """Lift a suspension."""

    async def ask(client: Any) -> Any:
        request = registry_pb2.ReinstateParticipantRequest(
            participant_id=participant, reason=reason
        )
        return await client.api.ask(client.api.stubs.registry.ReinstateParticipant, request)

    _changed(call_runtime(ask, output), output)


def retire(
    participant: Id,
    mode: Annotated[
        str,
        typer.Option(help="graceful: its tasks are finished or handed off first; or immediate."),
    ] = "graceful",
    within: Annotated[
        float,
        typer.Option(help="Seconds after which a graceful retirement stops waiting.", min=0),
    ] = 300,
    reason: Reason = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Retire a participant, permanently: its gate closes, its tasks move, its id stays used."""
    word(handoff_pb2.RetirementMode, mode, "--mode")
    deadline = from_now("--within", seconds=within)
    found = call_runtime(
        lambda client: client.api.retire(participant, mode=mode, deadline=deadline, reason=reason),
        output,
    )
    if output is Output.JSON:
        print_json(found)
        return
    state = short(handoff_pb2.RetirementStatus, found.status)
    say(f"{found.participant_id}: retirement {found.retirement_id} is {state}")
    rows = ((o.task_id, o.outcome, o.target, o.handoff_id) for o in found.outcomes)
    print_table(("task", "outcome", "to", "handoff"), rows, empty="it held no task")


def discover(
    capability: Annotated[
        list[str] | None, typer.Option(help="A capability that is needed. Repeatable.")
    ] = None,
    domain: Annotated[
        list[str] | None, typer.Option(help="Data that it is about. Repeatable.")
    ] = None,
    risk: Annotated[str, typer.Option(help="The risk of the work: low, medium or high.")] = "low",
    constraint: Annotated[
        list[str] | None, typer.Option(help="A constraint of the work. Repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option(help="The best so many.", min=1, max=200)] = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """List who is eligible for a need, ranked, and who was excluded and why.

    phoenix-dma discover --capability duplicate_detection --domain customer_master
    """
    risk_level = word(common_pb2.RiskLevel, risk, "--risk")

    async def ask(client: Any) -> registry_pb2.DiscoverParticipantsResponse:
        request = registry_pb2.DiscoverParticipantsRequest(
            required_capabilities=capability or (),
            data_domains=domain or (),
            risk_level=risk_level,
            policy_constraints=constraint or (),
            page_size=limit,
        )
        found: registry_pb2.DiscoverParticipantsResponse = await client.api.discover(request)
        if not found.candidates:
            await _note_unknown_words(client, request)
        return found

    found = call_runtime(ask, output)
    if output is Output.JSON:
        print_json(found)
    else:
        _show_found(found)


async def _note_unknown_words(client: Any, asked: registry_pb2.DiscoverParticipantsRequest) -> None:
    """Say which words of a need nobody can meet, because the catalogue knows none of that name."""
    catalogue = json_of((await client.api.get_catalogue()).catalogue)
    for what, section, names in (
        ("capability", "capabilities", asked.required_capabilities),
        ("domain", "domains", asked.data_domains),
        ("constraint", "constraints", asked.policy_constraints),
    ):
        known = catalogue.get(section, {})
        for name in names:
            if name not in known:
                print_note(f"the catalogue knows no {what} {name!r}{did_you_mean(name, known)}")


def _show_found(found: registry_pb2.DiscoverParticipantsResponse) -> None:
    rows = (
        (place, c.participant_id, f"{c.rank.total:.3f}", _terms(c.rank))
        for place, c in enumerate(found.candidates, 1)
    )
    print_table(("place", "participant", "rank", "because"), rows, empty="nobody is eligible")
    if found.next_page_token:
        print_note(f"more are eligible, further down than the best {len(found.candidates)}")
    for excluded in found.excluded:
        because = f"{excluded.failed}: {excluded.because}"
        say(f"not {excluded.participant_id}: {because}")


def _status(participant: registry_pb2.Participant) -> str:
    """The state for people: who said Goodbye has left, which the lifecycle files under FAILED."""
    if participant.status_reason == LEFT:
        return "left"
    return short(registry_pb2.ParticipantStatus, participant.status)


def _terms(score: common_pb2.Score) -> str:
    return ", ".join(f"{term.name} {term.value:.2f}" for term in score.terms)


def _row(participant: registry_pb2.Participant) -> tuple[object, ...]:
    trust = f"{participant.trust_score:.2f}" if participant.HasField("trust_score") else ""
    load = f"{participant.load:.2f}" if participant.HasField("load") else ""
    return (
        participant.id,
        participant.type,
        _status(participant) + (" (suspect)" if participant.suspect else ""),
        participant.owner,
        trust,
        load,
        ", ".join(participant.capabilities),
    )


def _changed(answer: Any, output: Output) -> None:
    if output is Output.JSON:
        print_json(answer)
        return
    status = short(registry_pb2.ParticipantStatus, answer.participant.status)
    say(f"{answer.participant.id} is {status} (audit {answer.receipt.audit_event_id})")
