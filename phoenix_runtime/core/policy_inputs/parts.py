"""Parts that the inputs of several decision points share."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from phoenix_runtime.core.policy_inputs.shapes import (
    Shape,
    content,
    flag,
    maybe,
    named,
    number,
    record,
    records,
    text,
    texts,
)

CALLER: Final = record(
    "Who asked, from the credential; added by governance.",
    subject=text("The credential's subject."),
    participant=text("The participant that it binds, empty for none."),
    participant_type=text("Its type, such as agent or human; empty for none."),
    owner=text("The accountable owner, empty for none."),
    roles=texts("Roles by their short names, sorted."),
    assurance=text("How the identity was proved: local, oidc or svid."),
    credential=text("The id of the enrolled credential, empty for none.", optional=True),
    enrolled_by=texts("The credentials from which it descends.", optional=True),
    service=text("The service that passed the call on, empty for none."),
)

TRUST: Final = maybe(
    record(
        "Computed from the audit; added by governance.",
        general=number("Trust without regard to a capability, from 0 to 1."),
        by_capability=named(
            "Each required capability.",
            record(
                "",
                total=number("Trust for it, from 0 to 1."),
                certified=flag("Whether it is certified for it."),
            ),
        ),
    )
)

STANDING: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        "id": text("Its id."),
        "type": text("Its type.", optional=True),
        "owner": text("Its accountable owner.", optional=True),
        "status": text("active, degraded, ….", optional=True),
        "capabilities": texts("Granted ones.", optional=True),
        "data_domains": texts("Granted ones, with all that they contain.", optional=True),
        "permissions": texts("Granted ones.", optional=True),
        "trust_policy": text("The trust policy that it is judged by.", optional=True),
        "task_types": texts("The types of tasks that it takes, all where empty.", optional=True),
        "generation": number("How often it registered.", optional=True),
    }
)

CLAIMS: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        "id": text("The participant's id."),
        "type": text("agent, human, …."),
        "owner": text("The accountable owner."),
        "status": text("As declared; never believed.", optional=True),
        "trust_score": number("As declared; never believed.", optional=True),
        "capabilities": texts("What it claims to be able to do."),
        "permissions": texts("What it claims to be allowed to do."),
        "data_domains": texts("Where it claims to work."),
        "state_location": text("Where its state is.", optional=True),
        "endpoint": text("Where it listens.", optional=True),
        "metadata": content("As declared, whole."),
        "capacity": number("How many tasks at once.", optional=True),
        "cost": number("Cost for each task, as declared.", optional=True),
        "task_types": texts("The types of tasks that it takes.", optional=True),
        "model_endpoints": maybe(
            records(
                "The models that it uses.",
                name=text("The model."),
                cost=number("As declared.", optional=True),
                latency=number("As declared.", optional=True),
                data_sensitivity=text("As declared.", optional=True),
            )
        ),
        "liveness": text("leased or unleased, empty for the type's own.", optional=True),
        "trust_policy": text("The trust policy that it asks for.", optional=True),
    }
)

TASK: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        "task_id": text("Its id."),
        "objective": text("What is to be done, in words.", optional=True),
        "required_capabilities": texts("What its assignee has to be able to do."),
        "data_domains": texts("The domains that it works on, as submitted."),
        "risk_level": text("low, medium or high."),
        "degraded_allowed": flag("Whether a degraded participant may take it.", optional=True),
        "policy_constraints": texts("The constraints that it carries."),
        "task_type": text("Its type, empty for none.", optional=True),
        "priority": number("The higher, the earlier.", optional=True),
        "deadline_at": text("When it fails, RFC 3339; empty for never.", optional=True),
        "max_attempts": number("How often it is tried.", optional=True),
        "detached": flag("Whether it outlives its parent.", optional=True),
        "parent_task_id": text("The parent, empty for none.", optional=True),
        "input_hash": text("The hash of what was submitted.", optional=True),
        "submitter": text("Who submitted it.", optional=True),
    }
)

APPROVALS: Final = maybe(
    records(
        "What humans decided about exactly this subject.",
        approval_id=text("Its id."),
        task_id=text("The task."),
        action=text("What was approved."),
        subject_hash=text("The hash of the content that the human saw."),
        status=text("approved, rejected or expired."),
        decided_by=text("The human."),
        decider=record(
            "What the human is by now.",
            id=text("The human."),
            type=text("human, or empty where gone."),
            status=text("active, suspended, …."),
        ),
    )
)

HIDDEN: Final = records(
    "What of the content policy is not shown; in its place stands {hidden, bytes, hash}.",
    path=text("Where, such as subject.iban."),
    steps=texts("The same, step by step; [] is any item of a list."),
    because=text("secret (the catalogue says so) or too_large."),
)

SUBJECT_HASH: Final = text("The hash of the whole subject, which an approval names.", optional=True)

OBLIGATIONS: Final = records(
    "What is still owed.",
    id=text("Its id."),
    text=text("What is asked."),
    due=text("before_complete or always."),
    met_by=text("decision or approval; empty where it is due always.", optional=True),
    action=text("The action whose approval meets it.", optional=True),
    fulfilled=flag("Whether it was met.", optional=True),
)
