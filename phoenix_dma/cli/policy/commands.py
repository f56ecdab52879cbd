"""``phoenix-dma policy``: one's own words and rules, beside the shipped bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix_dma.cli.calls import call_runtime
from phoenix_dma.cli.output import (
    Output,
    OutputOption,
    bad,
    counted,
    print_json,
    print_note,
    print_table,
    say,
)
from phoenix_dma.errors import PolicyDenied
from phoenix_dma.policy_files import CATALOGUE, read_overlay, write_template
from phoenix_dma.v1 import governance_pb2
from phoenix_dma.wire.conversions import time_of

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
        raise bad(str(error), "folder") from error
    for path in paths:
        say(str(path))


@group.command("test")
def run_tests(folder: Folder = Path("policy"), output: OutputOption = Output.TABLE) -> None:
    """Check an overlay in the runtime's engine and run its tests; nothing is kept."""
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
    """Let an overlay decide that was uploaded before, by somebody else outside development."""
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
    """Let an older overlay decide again; decisions under way keep their revision.

    Outside development this proposes it, and somebody else activates it, as with `apply`.
    """
    if revision and shipped:
        raise bad("either a revision or --shipped", "revision")

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
def list_them(output: OutputOption = Output.TABLE) -> None:
    """List the overlays that were uploaded, newest last; the one that decides is marked."""
    found = call_runtime(_listed, output)
    if output is Output.JSON:
        print_json(found)
        return
    rows = [
        (
            one.overlay_revision,
            "decides" if one.active else "",
            one.uploaded_by,
            f"{time_of(one.upload_time):%Y-%m-%d %H:%M}",
            one.activated_by,
            one.tests_passed,
            one.note,
        )
        for one in reversed(found)
    ]
    columns = ("revision", "state", "uploaded by", "uploaded", "activated by", "tests", "note")
    print_table(columns, rows, empty="the shipped bundle decides alone")


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
    except (OSError, ValueError) as error:
        raise bad(str(error), "folder") from error


async def _activate(
    client: AsyncPhoenixClient, revision: str
) -> governance_pb2.ActivatePolicyResponse:
    request = governance_pb2.ActivatePolicyRequest(overlay_revision=revision)
    return await client.api.ask(client.api.stubs.governance.ActivatePolicy, request)


async def _listed(client: AsyncPhoenixClient) -> list[governance_pb2.PolicyRevision]:
    method = client.api.stubs.governance.ListPolicies
    request = governance_pb2.ListPoliciesRequest()
    found = await client.api.pages(method, request, "policies", 1000)
    return list(found)


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
    policy = answer.policy
    if not policy.overlay_revision:
        say(f"the shipped bundle decides alone; policy {policy.policy_revision}")
        return
    say(f"{policy.overlay_revision} decides; policy {policy.policy_revision}")
