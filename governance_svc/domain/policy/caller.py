"""Who asks, as policy reads it: by the credential, never by what a request says of itself."""

from phoenix_runtime.core.json import Json
from phoenix_runtime.core.principal import Call


def caller_document(call: Call) -> dict[str, Json]:
    """``input.caller`` of every question. ``service`` is the service through which it came."""
    principal = call.principal
    return {
        "subject": principal.subject,
        "participant": principal.participant,
        "participant_type": principal.participant_type,
        "owner": principal.owner,
        "roles": sorted(role.value for role in principal.roles),
        "assurance": principal.assurance,
        "service": call.service,
    }
