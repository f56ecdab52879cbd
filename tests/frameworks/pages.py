"""The pages of docs/frameworks: their blocks, and how a reader's programs are run."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from joserfc.jwk import OKPKey

from phoenix_dma.testing import SharedRuntime
from phoenix_runtime.chassis.rpc.credentials import ENROLMENT_AUDIENCE, sign
from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.local.data_folder.files import write_private
from phoenix_runtime.local.data_folder.keys import ISSUER, OPERATOR_ROLES
from tests.support.processes.programs import plain_environment

PAGES: Final = Path(__file__).parents[2] / "docs" / "frameworks"
SECONDS: Final = 600.0
"""For one program; a guard against what hangs."""


def blocks(page: str, *languages: str) -> list[str]:
    """The blocks of a page in these languages, in order."""
    text = (PAGES / page).read_text("utf-8")
    return re.findall(rf"```(?:{'|'.join(languages)})\n(.*?)```", text, re.DOTALL)


def operators_profile(shared: SharedRuntime, tenant: str) -> Path:
    """The profile of an operator, as ``phoenix-dma up`` writes one: it can be every participant."""
    written = shared.issuer_profile(tenant)
    issuer = (shared._runtime.folder.keys / "issuer.jwk").read_text()
    key = OKPKey.import_key(json.loads(issuer))
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "sub": "operator",
        "tenant": tenant,
        "roles": OPERATOR_ROLES,
        "may_enrol": ["*"],
    }
    made = sign(claims, key, SteadyClock(), audience=ENROLMENT_AUDIENCE, life=timedelta(hours=1))
    write_private(written.with_name("operator.jwt"), made)
    profile = written.with_name("operator.toml")
    profile.write_text(written.read_text().replace("issuer.jwt", "operator.jwt"))
    return profile


async def run(profile: Path, *arguments: str) -> str:
    """What a Python program printed, which has to end well."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env={**plain_environment(), "PHOENIX_DMA_PROFILE": str(profile)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(SECONDS):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()
