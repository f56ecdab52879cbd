"""Who may not lift a suspension: whoever is the suspended one behind another name."""

from phoenix_runtime.core import conflict_of_interest
from phoenix_runtime.core.principal import Principal
from registry_svc.domain.participant import Participant


def own_because(known: Participant, by: Principal) -> str:
    """Why ``by`` may not reinstate ``known``, by their names; empty where it may."""
    return conflict_of_interest.own_because(by, "reinstates", known.id, known.declaration.owner)


def another_name_because(known: Participant, owner: Participant | None, by: Principal) -> str:
    """Why the credential of ``by`` bars it: another name that the same enrolment can be.

    Only of who takes part. The holder of an enrolment that can be several people, the operator, is
    not barred: where there is one operator nobody else could let in again whom policy suspended.
    """
    held = by.descent.credential
    shared = {known.credential, owner.credential if owner is not None else ""} - {""}
    if not by.borrowed or held not in shared:
        return ""
    return (
        f"Nobody reinstates by a credential of their own, and you hold an enrolment of "
        f"{by.descent.holder} ({held}), with which {known.id} or its owner takes part"
    )
