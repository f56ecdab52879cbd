"""The caller as the issuer's records have it now: a credential that is out may say what is over."""

from phoenix_runtime.core.errors import NotPermitted
from phoenix_runtime.core.principal import Call, Principal, Role
from registry_svc.domain.identity.enrolment import renewed_principal, require_renewable
from registry_svc.domain.identity.records import PREFIX, is_disabled
from registry_svc.usecases.context import RegistryContext


async def present_principal(context: RegistryContext, call: Call) -> Principal:
    """The caller with the roles that it still has.

    Raises `NotPermitted` for a participant that is SUSPENDED, RETIRED or another, and where the
    enrolment is disabled.
    """
    principal = call.principal
    held = principal.descent.credential
    async with context.units.reading(call) as unit:
        if principal.participant:
            require_renewable(await unit.find_participant(principal.participant), principal)
        if held.startswith(f"{PREFIX}."):
            return renewed_principal(principal, await unit.find_enrolment(held))
        if is_disabled(await unit.enrolments_of(principal.subject)):
            return renewed_principal(principal, None)
    return principal


async def present_operator(context: RegistryContext, call: Call) -> Principal:
    """The caller, who is an operator now; raises `NotPermitted` for whom is not any more.

    Otherwise a person who was disabled, or lost the role, would give it all back to herself, or to
    another name, with the credential that is out for some minutes.
    """
    principal = await present_principal(context, call)
    if principal.has(Role.OPERATOR):
        return principal
    raise NotPermitted(
        f"{principal.subject} does not hold the role operator any more",
        {"identity": principal.subject, "missing_roles": Role.OPERATOR.value},
        remedy="Have an operator do it; `phoenix-dma user list` says who is one.",
    )


async def require_operator(
    context: RegistryContext, call: Call, tried: str, participant_id: str
) -> None:
    """Raise as `present_operator` does; it is audited that the caller ``tried`` it."""
    try:
        await present_operator(context, call)
    except NotPermitted as refused:
        facts = {**refused.facts, "participant_id": participant_id, "because": refused.text}
        await context.access.refused(call, tried, facts)
        raise
