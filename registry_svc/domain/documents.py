"""RegistryContext of audit details and policy inputs that several use cases write."""

from phoenix_runtime.core.json import Json
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Grants
from registry_svc.domain.participant import Participant


def grants_document(grants: Grants) -> dict[str, Json]:
    """What is granted, and what is refused for which reason."""
    return {
        "capabilities": sorted(grants.capabilities),
        "data_domains": sorted(grants.data_domains),
        "permissions": sorted(grants.permissions),
        "refused": [{"kind": r.kind, "name": r.name, "reason": r.reason} for r in grants.refused],
    }


def identity_document(call: Call, participant_id: str) -> dict[str, Json]:
    """Who proved the identity: the participant by its own credential, or an operator for it."""
    own = call.principal.participant == participant_id
    return {
        "participant_id": participant_id,
        "subject": call.principal.subject,
        "assurance": call.principal.assurance,
        "registered_by": "participant" if own else "operator",
    }


def participant_document(participant: Participant) -> dict[str, Json]:
    """A participant as policy reads it: its grants, not its claims."""
    declaration = participant.declaration
    return {
        "id": participant.id,
        "type": declaration.type,
        "owner": declaration.owner,
        "status": participant.status.value,
        "capabilities": sorted(participant.grants.capabilities),
        "data_domains": sorted(participant.grants.data_domains),
        "permissions": sorted(participant.grants.permissions),
        "trust_policy": declaration.effective_trust_policy,
        "task_types": list(declaration.task_types),
        "generation": participant.generation,
    }
