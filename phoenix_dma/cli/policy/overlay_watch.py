"""Applies the policy overlay of a folder whenever one of its files has changed."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Final

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.cli.output import print_note
from phoenix_dma.cli.policy.commands import apply_overlay
from phoenix_dma.errors import FieldInvalid, PhoenixError, PolicyEngineUnavailable, Unavailable
from phoenix_dma.policy_files import read_overlay
from phoenix_dma.v1 import governance_pb2
from phoenix_dma.wire.counted import counted

POLL_SECONDS: Final = 0.5


async def watch_overlay(folder: Path) -> None:
    """Apply ``folder`` now and after each change, for ever; say how it went.

    What cannot be read or is refused is said, and the former revision goes on deciding. It is
    tried again after the next change, or at once where the runtime could not be reached.
    """
    tried = ""
    while True:
        files, state = _read(folder)
        if state != tried:
            tried = state if await _apply(folder, files, state) else ""
        await asyncio.sleep(POLL_SECONDS)


def _read(folder: Path) -> tuple[dict[str, str], str]:
    """The files and what tells this state from others: a digest, or why they cannot be read."""
    try:
        files = read_overlay(folder)
    except (OSError, ValueError) as error:
        return {}, str(error)
    return files, hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()


async def _apply(folder: Path, files: dict[str, str], state: str) -> bool:
    """Whether it need not be tried again before the next change."""
    if not files:
        print_note(f"policy {folder}: {state}; what decided before goes on deciding")
        return True
    overlay = governance_pb2.PolicyOverlay(files=files)
    try:
        async with AsyncPhoenixClient() as client:
            policy = (await apply_overlay(client, overlay, f"{folder}, watched by up")).policy
    except FieldInvalid as refused:
        print_note(f"policy {folder}: refused; what decided before goes on deciding")
        for violation in refused.violations:
            print_note(f"  {violation.field}: {violation.text}")
    except PhoenixError as error:
        print_note(f"policy {folder}: {error}")
        return not isinstance(error, Unavailable | PolicyEngineUnavailable)
    else:
        tests = counted(policy.tests_passed, "test")
        print_note(f"policy {folder}: decides ({tests} passed, {policy.overlay_revision})")
    return True
