"""Participants: what they declare, their beats, their end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phoenix_dma.v1 import handoff_pb2, registry_pb2, session_pb2
from tests.robustness.bad_input.cases import AGENT, Both, Refusal, Rest, Wire, names
from tests.robustness.bad_input.values import (
    FEW_IDS,
    FEW_NAMES,
    IDS,
    NAMES,
    PLACES,
    TEXTS,
    deep,
    numbered,
)

REGISTER = "/participants/register"
HEARTBEAT = "/participants/heartbeat"
RETIRE = "/participants/retire"
SOUND = {
    "id": "agent.newcomer",
    "type": "agent",
    "owner": "data-governance",
    "capabilities": ["duplicate_detection"],
}
MODEL = {"name": "a-model", "cost": 1.0}


def registered(name: str, field: str, **change: Any) -> Both:
    """A registration that is sound but for ``change``."""
    return Both(f"a participant {name}", REGISTER, {**SOUND, **change}, names(field))


def declarations() -> Iterator[Both]:
    for kind, value in IDS.items():
        yield registered(f"whose id is one {kind}", "id", id=value)
    for kind, value in FEW_IDS.items():
        yield registered(f"whose owner is an id {kind}", "owner", owner=value)
    for kind, value in NAMES.items():
        yield registered(f"with a capability {kind}", "capabilities[0]", capabilities=[value])
    for kind, value in FEW_NAMES.items():
        yield registered(f"of a type {kind}", "type", type=value)
        yield registered(f"with a permission {kind}", "permissions[0]", permissions=[value])
        yield registered(f"with a domain {kind}", "data_domains[0]", data_domains=[value])
        yield registered(f"for a type of task {kind}", "task_types[0]", task_types=[value])
    for kind, value in PLACES.items():
        said = f"that keeps its state in a place {kind}"
        yield registered(said, "state_location", state_location=value)
        if "climbs" not in kind:
            yield registered(f"with an endpoint {kind}", "endpoint", endpoint=value)
    for kind, value in TEXTS.items():
        yield registered(f"with a status {kind}", "status", status=value)


def amounts() -> Iterator[Both]:
    many = numbered(65)
    yield registered("with 65 capabilities", "capabilities", capabilities=many)
    yield registered("with 65 permissions", "permissions", permissions=many)
    yield registered("with 65 domains", "data_domains", data_domains=many)
    yield registered("with one capability twice", "capabilities[1]", capabilities=["a", "a"])
    yield registered("that trusts itself too much", "trust_score", trust_score=1.5)
    yield registered("that trusts itself below zero", "trust_score", trust_score=-0.1)
    yield registered("of no capacity", "capacity", capacity=0)
    yield registered("of a negative capacity", "capacity", capacity=-1)
    yield registered("of boundless capacity", "capacity", capacity=10_001)
    yield registered("of negative cost", "cost", cost=-1)
    yield registered("of boundless cost", "cost", cost=1e13)
    yield registered("with a status of 65 characters", "status", status="a" * 65)
    models = [{**MODEL, "name": f"model-{number}"} for number in range(65)]
    yield registered("with 65 models", "model_endpoints", model_endpoints=models)
    yield registered("with one model twice", "model_endpoints[1].name", model_endpoints=[MODEL] * 2)
    for field, value in {
        "cost": -1,
        "latency": "-1s",
        "data_sensitivity": "delicate",
        "name": "a" * 129,
    }.items():
        wrong = [{**MODEL, field: value}]
        path = f"model_endpoints[0].{field}"
        yield registered(f"with a model of a wrong {field}", path, model_endpoints=wrong)


def documents() -> Iterator[Both]:
    yield registered("whose metadata are too large", "metadata", metadata={"a": "b" * 16_400})
    yield registered("whose metadata are too deep", "metadata", metadata=deep(9))
    yield registered("with U+0000 in its metadata", "metadata", metadata={"a": "b\0"})
    yield registered("with U+0000 in a name", "metadata", metadata={"a\0": "b"})
    domains: dict[str, object] = {"list": "customer", "names": [1]}
    for kind, value in domains.items():
        wrong = {"data_domains": value}
        yield registered(f"whose domains are no {kind}", "metadata.data_domains", metadata=wrong)


def beats() -> Iterator[Both]:
    def beat(name: str, field: str, **change: Any) -> Both:
        body = {"participant_id": "agent.holder", **change}
        return Both(f"a beat {name}", HEARTBEAT, body, names(field), AGENT)

    for kind, value in FEW_IDS.items():
        yield beat(f"of an id {kind}", "participant_id", participant_id=value)
    yield beat("of a load above 1", "load", load=1.5)
    yield beat("of a load below 0", "load", load=-1)
    yield beat("of a negative generation", "generation", generation=-1)
    acknowledged = "acknowledged_directives"
    yield beat("that acknowledges too much", acknowledged, acknowledged_directives=["d.1"] * 501)
    yield beat("that acknowledges nonsense", acknowledged, acknowledged_directives=["a b"])


def retirements() -> Iterator[Both | Rest | Wire]:
    for kind, value in FEW_IDS.items():
        body = {"participant_id": value}
        yield Both(f"a retirement of an id {kind}", RETIRE, body, names("participant_id"))
    for text in (
        "10000-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "tomorrow",
        "2026-13-01T00:00:00Z",
    ):
        content = f'{{"participant_id": "agent.holder", "deadline": "{text}"}}'.encode()
        yield Rest(
            name=f"a retirement by {text}",
            target=RETIRE,
            content=content,
            refusal=names("deadline"),
        )
    for seconds in (-(1 << 62), 1 << 62, 253_402_300_800):
        request = handoff_pb2.RetireParticipantRequest(participant_id="agent.holder")
        request.deadline.seconds = seconds
        yield Wire(
            name=f"a retirement {seconds} s after 1970",
            rpc="HandoffService/RetireParticipant",
            request=request,
            refusal=names("deadline"),
        )


def not_a_number() -> Iterator[Wire]:
    """What JSON cannot say, and gRPC can."""
    for text in ("nan", "inf", "-inf"):
        made = registry_pb2.ParticipantDeclaration(
            id="agent.newcomer", type="agent", owner="data-governance"
        )
        for field in ("trust_score", "cost"):
            wrong = registry_pb2.ParticipantDeclaration()
            wrong.CopyFrom(made)
            setattr(wrong, field, float(text))
            yield Wire(
                name=f"a participant whose {field} is {text}",
                rpc="RegistryService/RegisterParticipant",
                request=registry_pb2.RegisterParticipantRequest(participant=wrong),
                refusal=names(f"participant.{field}"),
            )
        wrong = registry_pb2.ParticipantDeclaration()
        wrong.CopyFrom(made)
        wrong.metadata.fields["a"].number_value = float(text)
        yield Wire(
            name=f"metadata that hold {text}",
            rpc="RegistryService/RegisterParticipant",
            request=registry_pb2.RegisterParticipantRequest(participant=wrong),
            refusal=names("participant.metadata"),
        )
        yield Wire(
            name=f"a beat of load {text}",
            rpc="SessionService/Heartbeat",
            request=session_pb2.HeartbeatRequest(participant_id="agent.holder", load=float(text)),
            refusal=names("load"),
            who=AGENT,
        )


def unknown_enums() -> Iterator[Wire]:
    made = registry_pb2.ParticipantDeclaration(
        id="agent.newcomer", type="agent", owner="data-governance"
    )
    made.liveness = 99  # type: ignore[assignment]
    yield Wire(
        name="a participant of an unknown liveness",
        rpc="RegistryService/RegisterParticipant",
        request=registry_pb2.RegisterParticipantRequest(participant=made),
        refusal=names("participant.liveness"),
    )
    status: Any = 99
    yield Wire(
        name="a beat of an unknown state",
        rpc="SessionService/Heartbeat",
        request=session_pb2.HeartbeatRequest(participant_id="agent.holder", status=status),
        refusal=names("status"),
        who=AGENT,
    )
    yield Wire(
        name="a retirement of an unknown mode",
        rpc="HandoffService/RetireParticipant",
        request=handoff_pb2.RetireParticipantRequest(participant_id="agent.holder", mode=status),
        refusal=names("mode"),
    )


def wrong_types() -> Iterator[Rest]:
    """JSON values of another kind than their field."""
    for field, text in {
        "id": "7",
        "capabilities": '"duplicate_detection"',
        "capabilities[0]": "[7]",
        "metadata": "[]",
        "capacity": '"many"',
        "cost": '"dear"',
        "trust_score": "true",
        "liveness": '"sometimes"',
        "model_endpoints": "{}",
        "model_endpoints[0]": '["a-model"]',
        "nickname": '"Bob"',
    }.items():
        name = field.partition("[")[0]
        content = f'{{"type": "agent", "owner": "o", "{name}": {text}}}'
        if name != "id":
            content = content.replace("{", '{"id": "agent.newcomer", ', 1)
        yield Rest(
            name=f"a participant whose {field} is {text}",
            target=REGISTER,
            content=content.encode(),
            refusal=Refusal(field=field),
        )


CASES: list[Both | Rest | Wire] = [
    *declarations(),
    *amounts(),
    *documents(),
    *beats(),
    *retirements(),
    *not_a_number(),
    *unknown_enums(),
    *wrong_types(),
]
