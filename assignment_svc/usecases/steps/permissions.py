"""Who may use a verb; a refusal of a genuine credential is audited."""

import contextlib
from collections.abc import AsyncIterator

from assignment_svc.usecases.steps.ports import Ports
from phoenix_runtime.core.errors import NotPermitted, StaleAssignment
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call, Role


@contextlib.asynccontextmanager
async def refusals_audited(ports: Ports, call: Call, what: str) -> AsyncIterator[None]:
    """Audit ACCESS_REFUSED where the block refuses its caller, once its unit is gone."""
    try:
        yield
    except StaleAssignment as refusal:
        await ports.access.refused(call, what, refusal.facts, ReasonCode.STALE_EPOCH)
        raise
    except NotPermitted as refusal:
        await ports.access.refused(call, what, refusal.facts)
        raise


def acting_participant(call: Call) -> str:
    """The participant that the credential binds; raises `NotPermitted` where it binds none."""
    if not call.principal.participant:
        raise NotPermitted(
            "Only a participant's own credential may do this",
            remedy="Use the profile of the participant: `phoenix-dma enrol participant` makes one.",
        )
    return call.principal.participant


def may_end(call: Call, *, submitter: str, submitter_participant_id: str) -> bool:
    """Whether the caller may cancel: the submitter itself, or an operator."""
    principal = call.principal
    if principal.has(Role.OPERATOR):
        return True
    if submitter_participant_id:
        return principal.participant == submitter_participant_id
    return principal.subject == submitter
