"""Gives what ``phoenix-dma run`` starts a profile of its own, instead of the operator's.

The program is started anew in the same process (exec), so that nothing of the operator's
credential is left in its memory, its environment or the place where a profile is looked for. What
the same user may read on this machine it can still read: other users, or containers, keep agents
apart.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

import typer

from phoenix_dma.own_profile import can_enrol_others, write_own_profile
from phoenix_dma.profile import Profile, find_profile

FOLDER: Final = "PHOENIX_DMA_RUN_FOLDER"
"""Names the folder of the profile that a started program removes at its end."""
OPERATORS: Final = ("PHOENIX_DMA_TOKEN", "PHOENIX_DMA_ADMIN_URL", "PHOENIX_DMA_DATA")
"""What is the operator's in the environment, and no agent's business."""


def take_own_profile(roles: list[str]) -> None:
    """Start this program anew with a profile of its own, where it has an operator's.

    Ends the command where the runtime refuses to enrol it, or cannot be reached.
    """
    folder = os.environ.pop(FOLDER, "")
    if folder:
        _remove_at_end(folder)
        return
    base = find_profile()
    if can_enrol_others(base):
        _start_anew(base, _enrolment(base, roles))


def _enrolment(base: Profile, roles: list[str]) -> str:
    """The credential of an enrolment whose identity the script's registration chooses."""
    import asyncio  # noqa: PLC0415  # not for help

    from phoenix_dma.aio.client import AsyncPhoenixClient  # noqa: PLC0415
    from phoenix_dma.cli.calls import code_of, print_refusal  # noqa: PLC0415
    from phoenix_dma.cli.identity.roles import OF_OTHERS, role_numbers  # noqa: PLC0415
    from phoenix_dma.cli.output import Output  # noqa: PLC0415
    from phoenix_dma.errors import PhoenixError  # noqa: PLC0415
    from phoenix_dma.v1 import identity_pb2  # noqa: PLC0415

    order = identity_pb2.CreateEnrolmentRequest(
        kind=identity_pb2.ENROLMENT_KIND_PARTICIPANT,
        roles=role_numbers(roles, OF_OTHERS),
    )

    async def ask() -> str:
        async with AsyncPhoenixClient(profile=base) as client:
            method = client.api.stubs.identity.CreateEnrolment
            return (await client.api.ask(method, order)).credential

    try:
        return asyncio.run(ask())
    except PhoenixError as error:
        print_refusal(error, Output.TABLE)
        raise typer.Exit(code_of(error)) from error


def _start_anew(base: Profile, credential: str) -> None:
    folder = tempfile.mkdtemp(prefix="phoenix-dma-run-")
    file = Path(folder) / "profile.toml"
    write_own_profile(file, credential, base)
    environment = {name: value for name, value in os.environ.items() if name not in OPERATORS}
    environment |= {"PHOENIX_DMA_PROFILE": str(file), FOLDER: folder}
    sys.stdout.flush()
    sys.stderr.flush()
    again = [sys.executable, *sys.orig_argv[1:]]
    os.execve(sys.executable, again, environment)  # noqa: S606  # this very command line


def _remove_at_end(folder: str) -> None:
    """Remove the profile when this process ends; registered first, so that it happens last."""
    own = os.getpid()

    def remove() -> None:
        if os.getpid() == own:  # not in a forked child
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
