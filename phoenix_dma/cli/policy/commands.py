"""``phoenix-dma policy``: one's own words and rules, beside the shipped bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix_dma.cli.calls import call_runtime
from phoenix_dma.cli.output import (
    LastOption,
    Output,
    OutputOption,
    Prose,
    bad,
    counted,
    print_json,
    print_listing,
    print_more,
    print_note,
    say,
    unreadable,
)
from phoenix_dma.errors import PolicyDenied
from phoenix_dma.listing import listing_of
from phoenix_dma.policy_files import CATALOGUE, read_overlay, write_template
from phoenix_dma.v1 import governance_pb2
from phoenix_dma.wire.conversions import message_to_dict, time_of

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient

Folder = Annotated[Path, typer.Argument(help="The folder of the overlay.")]
Revision = Annotated[str, typer.Argument(help="The overlay's revision, sha256:….")]

group = typer.Typer(help="Your own words and rules, beside the shipped ones.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="policy")


@group.command()
def init(folder: Folder = Path("policy")) -> None:
    """Write a first overlay: words, a rule, and tests of it.

    phoenix-dma policy init policy && phoenix-dma policy apply policy
    """
    try:
        paths = write_template(folder)
    except OSError as error:
        raise unreadable(folder, error) from error
    for path in paths:
        say(str(path))


@group.command("test")
def run_tests(folder: Folder = Path("policy"), output: OutputOption = Output.TABLE) -> None:
    """Check an overlay and run its tests; nothing is kept."""
    request = governance_pb2.ValidatePolicyRequest(overlay=_overlay(folder))

    async def ask(client: AsyncPhoenixClient) -> governance_pb2.ValidatePolicyResponse:
        return await client.api.ask(client.api.stubs.governance.ValidatePolicy, request)

    found = call_runtime(ask, output)
    if output is Output.JSON:
        print_json(found)
        return
    _note_replaced(found.policy)
    say(f"{counted(found.policy.tests_passed, 'test')} passed; {found.policy.overlay_revision}")


@group.command()
def apply(
    folder: Folder = Path("policy"),
    note: Annotated[str, typer.Option(help="What changed; kept in the audit.")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Check an overlay, run its tests, keep it and let it decide.

    Outside development somebody else lets it decide: `phoenix-dma policy activate`.
    """
    overlay = _overlay(folder)

    async def ask(client: AsyncPhoenixClient) -> governance_pb2.ActivatePolicyResponse:
        return await apply_overlay(client, overlay, note, output)

    _activated(call_runtime(ask, output), output)


@group.command()
def activate(revision: Revision, output: OutputOption = Output.TABLE) -> None:
    """Let an overlay decide that was uploaded before.

    Outside development somebody else has uploaded it.
    """
    _activated(call_runtime(lambda client: _activate(client, revision), output), output)


@group.command()
def rollback(
    revision: Annotated[
        str, typer.Argument(help="To this overlay; to the one that decided before where not given.")
    ] = "",
    shipped: Annotated[
        bool, typer.Option("--shipped", help="To the shipped bundle, without any overlay.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let an older overlay, or none, decide again.

    Decisions under way keep their revision. Outside development this proposes it, and somebody else
    activates it, as with `apply`.
    """
    if revision and shipped:
        raise bad("either a revision or --shipped, not both", "REVISION")

    async def ask(client: AsyncPhoenixClient) -> governance_pb2.ActivatePolicyResponse:
        wanted = revision
        if not wanted and not shipped:
            wanted = _before(await _listed(client))
        try:
            return await _activate(client, wanted)
        except PolicyDenied:
            return await _proposed(client, _again(wanted), output)

    _activated(call_runtime(ask, output), output)


@group.command("list")
def list_them(last: LastOption = 50, output: OutputOption = Output.TABLE) -> None:
    """List the overlays, and say which rules decide now.

    With --output json it is an object: `policy_revision` (of all rules that decide), `decides` (the
    overlay among them, empty where the shipped rules decide alone) and `policies`.
    """
    uploaded, revision = call_runtime(_decides, output)
    overlay = next((one.overlay_revision for one in uploaded if one.active), "")
    found = listing_of(uploaded[:last] if last else uploaded, len(uploaded))
    if output is Output.JSON:
        policies = [message_to_dict(one) for one in found.items]
        print_json({"policy_revision": revision, "decides": overlay, "policies": policies})
        print_more(found)
        return
    columns = ("revision", "state", "uploaded by", "uploaded", "activated by", "tests", "note")
    print_listing(found, output, columns, _row, empty="no overlay was uploaded")
    _say_which_decides(overlay, revision)


async def apply_overlay(
    client: AsyncPhoenixClient,
    overlay: governance_pb2.PolicyOverlay,
    note: str,
    output: Output = Output.TABLE,
) -> governance_pb2.ActivatePolicyResponse:
    """Upload and activate; where somebody else has to activate, say what they have to call.

    A program finds the revision that is kept in the facts of the refusal: its standard error is
    one JSON value.
    """
    request = governance_pb2.UploadPolicyRequest(overlay=overlay, note=note)
    return await _proposed(client, request, output)


async def _proposed(
    client: AsyncPhoenixClient, request: governance_pb2.UploadPolicyRequest, output: Output
) -> governance_pb2.ActivatePolicyResponse:
    kept = (await client.api.ask(client.api.stubs.governance.UploadPolicy, request)).policy
    if output is Output.TABLE:
        _note_replaced(kept)
    try:
        return await _activate(client, kept.overlay_revision)
    except PolicyDenied as denied:
        if output is Output.JSON:
            denied.facts["overlay_revision"] = kept.overlay_revision
            raise
        print_note(f"kept as {kept.overlay_revision}; it does not decide yet. Somebody else with")
        print_note(f"the role policy_admin: phoenix-dma policy activate {kept.overlay_revision}")
        raise


def _again(revision: str) -> governance_pb2.UploadPolicyRequest:
    """The proposal to go back to an overlay, or to the shipped bundle where it is empty."""
    if revision:
        return governance_pb2.UploadPolicyRequest(overlay_revision=revision, note="rollback")
    overlay = governance_pb2.PolicyOverlay(files={CATALOGUE: "{}\n"})
    return governance_pb2.UploadPolicyRequest(overlay=overlay, note="back to the shipped bundle")


def _overlay(folder: Path) -> governance_pb2.PolicyOverlay:
    try:
        return governance_pb2.PolicyOverlay(files=read_overlay(folder))
    except (OSError, UnicodeError) as error:
        raise unreadable(folder, error) from error
    except ValueError as error:
        raise bad(str(error), "FOLDER") from error


async def _activate(
    client: AsyncPhoenixClient, revision: str
) -> governance_pb2.ActivatePolicyResponse:
    request = governance_pb2.ActivatePolicyRequest(overlay_revision=revision)
    return await client.api.ask(client.api.stubs.governance.ActivatePolicy, request)


async def _listed(client: AsyncPhoenixClient) -> list[governance_pb2.PolicyRevision]:
    """Every overlay, newest first."""
    method = client.api.stubs.governance.ListPolicies
    request = governance_pb2.ListPoliciesRequest()
    found = await client.api.pages(method, request, "policies", None)
    return list(found)


async def _decides(
    client: AsyncPhoenixClient,
) -> tuple[list[governance_pb2.PolicyRevision], str]:
    """Every overlay, newest first, and the revision of all the rules that decide now."""
    method = client.api.stubs.governance.ListPolicies
    one = await client.api.ask(method, governance_pb2.ListPoliciesRequest(page_size=1))
    return await _listed(client), one.policy_revision


def _row(one: governance_pb2.PolicyRevision) -> tuple[object, ...]:
    return (
        one.overlay_revision,
        "decides" if one.active else "",
        one.uploaded_by,
        f"{time_of(one.upload_time):%Y-%m-%d %H:%M}",
        one.activated_by,
        one.tests_passed,
        Prose(one.note),
    )


def _say_which_decides(overlay: str, revision: str, *, already: bool = False) -> None:
    whose = overlay or "the shipped bundle"
    now = "already decides" if already else "decides"
    say(f"{whose} {now}{'' if overlay else ' alone'}; policy {revision}")


def _before(policies: list[governance_pb2.PolicyRevision]) -> str:
    """The overlay that decided before the present one; empty where none did."""
    once = [one for one in policies if one.HasField("activate_time") and not one.active]
    newest = max(once, key=lambda one: one.activate_time.ToNanoseconds(), default=None)
    return newest.overlay_revision if newest is not None else ""


def _note_replaced(policy: governance_pb2.PolicyRevision) -> None:
    for path in policy.replaced:
        print_note(f"replaces what is shipped: {path}")


def _activated(answer: Any, output: Output) -> None:
    if output is Output.JSON:
        print_json(answer)
        return
    policy, already = answer.policy, answer.already_active
    _say_which_decides(policy.overlay_revision, policy.policy_revision, already=already)
    if already:
        print_note("nothing was changed")
