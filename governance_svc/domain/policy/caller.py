"""The caller as policy reads it: from the credential, never from the request."""

from phoenix_runtime.core.json import Json
from phoenix_runtime.core.principal import Call


def caller_document(call: Call) -> dict[str, Json]:
    """``input.caller`` of a policy input; ``service`` is the service that passed the call on."""
    principal = call.principal
    return {
        "subject": principal.subject,
        "participant": principal.participant,
        "participant_type": principal.participant_type,
        "owner": principal.owner,
        "roles": sorted(role.value for role in principal.roles),
        "assurance": principal.assurance,
        "credential": principal.descent.credential,
        "enrolled_by": list(principal.descent.enrollers),
        "service": call.service,
    }
