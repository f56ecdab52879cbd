"""Enrols an identity and writes its profile, for the commands that do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix_dma.cli.calls import call_runtime
from phoenix_dma.cli.output import (
    Output,
    bad,
    print_facts,
    print_json,
    print_note,
    say,
    unreadable,
)
from phoenix_dma.errors import PhoenixError
from phoenix_dma.own_profile import own_profile_path, require_writable, write_own_profile
from phoenix_dma.profile import find_profile, read_profile
from phoenix_dma.v1 import governed_pb2, identity_pb2
from phoenix_dma.wire.conversions import short

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient


def enrol_identity(
    order: identity_pb2.CreateEnrolmentRequest, profile: Path | None, output: Output
) -> None:
    """Make the enrolment, write its profile, and let a person take part at once."""
    base = find_profile()
    file = profile or own_profile_path(order.identity, base)
    check_writable(file)

    async def ask(client: AsyncPhoenixClient) -> identity_pb2.CreateEnrolmentResponse:
        made = await client.api.ask(client.api.stubs.identity.CreateEnrolment, order)
        write_own_profile(file, made.credential, base)
        if order.kind == identity_pb2.ENROLMENT_KIND_PERSON:
            await _register(client, made.enrolment, file)
        return made

    made = call_runtime(ask, output)
    for warning in made.warnings:
        print_note(f"note: {warning}")
    if output is Output.JSON:
        print_json({"profile": str(file), "enrolment_id": made.enrolment.enrolment_id})
        return
    print_facts(
        (
            ("identity", made.enrolment.identity),
            ("roles", names(made.enrolment.roles)),
            ("profile", file),
        )
    )
    say(f"to use it: PHOENIX_DMA_PROFILE={file} phoenix-dma …")


def check_writable(file: Path) -> None:
    """End the command where the profile of whom it is about to enrol cannot be written."""
    try:
        require_writable(file)
    except OSError as error:
        raise unreadable(file, error) from error
    except ValueError as error:
        raise bad(str(error), "--profile") from error


async def _register(
    client: AsyncPhoenixClient, enrolment: identity_pb2.Enrolment, file: Path
) -> None:
    """Let a person take part; where that is refused nothing that could be used is left."""
    from phoenix_dma.aio.client import AsyncPhoenixClient  # noqa: PLC0415  # not for help

    try:
        async with AsyncPhoenixClient(profile=read_profile(file)) as own:
            await own.register_participant(
                id=enrolment.identity,
                type=enrolment.participant_type,
                owner=enrolment.owner,
                roles=("participant",),
            )
    except PhoenixError:
        for written in (file, file.with_suffix(".jwt")):
            written.unlink(missing_ok=True)
        request = identity_pb2.DisableIdentityRequest(
            identity=enrolment.identity, reason="its registration was refused"
        )
        await client.api.ask(client.api.stubs.identity.DisableIdentity, request)
        raise


def names(roles: Iterable[int]) -> str:
    """Roles by their short names."""
    return ", ".join(short(governed_pb2.Role, value) for value in roles)
