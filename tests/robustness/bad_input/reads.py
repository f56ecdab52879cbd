"""Reads and calls of people: names, pages, filters, decisions."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from google.protobuf.message import Message

from phoenix_dma.v1 import (
    approval_pb2,
    assignment_pb2,
    audit_pb2,
    gateway_pb2,
    governance_pb2,
    handoff_pb2,
    registry_pb2,
    state_pb2,
)
from tests.robustness.bad_input.cases import Rest, Wire, names
from tests.robustness.bad_input.values import FEW_IDS, FEW_NAMES, TEXTS, TOKENS

DISCOVER = "/participants/discover"
EVENTS = "/audit/events"
SOUND = "required_capabilities=duplicate_detection"
SIZES = ("-1", "201", "ten", "1.5", "1_0", "%D9%A3", "0x10", "99999999999999999999")
ESCAPES = {
    "that is no UTF-8": "%ff%fe",
    "that is a cut-off character": "%e2%82",
    "of an overlong slash": "%c0%af",
    "of a surrogate": "%ed%a0%80",
    "of half an escape": "%4",
    "of no escape": "%zz",
}


def asked(service: str, name: str, request: Message, field: str) -> Wire:
    """A read over gRPC."""
    method = type(request).__name__.removesuffix("Request")
    rpc = f"{service}/{method}"
    return Wire(name=f"{method} {name}", rpc=rpc, request=request, refusal=names(field))


def by_id() -> Iterator[Wire]:
    """Whatever is read by an id."""
    for kind, value in FEW_IDS.items():
        requests: dict[str, list[tuple[Message, str]]] = {
            "RegistryService": [
                (registry_pb2.GetParticipantRequest(participant_id=value), "participant_id")
            ],
            "AssignmentService": [(assignment_pb2.GetTaskRequest(task_id=value), "task_id")],
            "HandoffService": [
                (handoff_pb2.GetHandoffRequest(handoff_id=value), "handoff_id"),
                (handoff_pb2.GetRetirementRequest(retirement_id=value), "retirement_id"),
            ],
            "StateService": [(state_pb2.ListCheckpointsRequest(task_id=value), "task_id")],
            "GovernanceService": [
                (governance_pb2.GetPolicyDecisionRequest(decision_id=value), "decision_id"),
                (governance_pb2.GetTrustScoreRequest(participant_id=value), "participant_id"),
            ],
            "ApprovalService": [
                (approval_pb2.GetApprovalRequest(approval_id=value), "approval_id")
            ],
            "AuditService": [(audit_pb2.GetLineageRequest(task_id=value), "task_id")],
            "GatewayService": [(gateway_pb2.GetTaskDossierRequest(task_id=value), "task_id")],
        }
        for service, known in requests.items():
            for request, field in known:
                yield asked(service, f"of an id {kind}", request, field)


def by_people() -> Iterator[Wire]:
    """Calls of operators and reviewers."""
    for kind, value in FEW_IDS.items():
        said = f"of an id {kind}"
        suspend = registry_pb2.SuspendParticipantRequest(participant_id=value, reason="a check")
        yield asked("RegistryService", said, suspend, "participant_id")
        cancel = assignment_pb2.CancelTaskRequest(task_id=value)
        yield asked("AssignmentService", said, cancel, "task_id")
        decide = approval_pb2.DecideApprovalRequest(approval_id=value, comment="well")
        yield asked("ApprovalService", said, decide, "approval_id")
        claims = registry_pb2.UpdateCapabilitiesRequest(participant_id=value)
        yield asked("RegistryService", said, claims, "participant_id")
    for kind, value in TEXTS.items():
        said = f"with words {kind}"
        suspend = registry_pb2.SuspendParticipantRequest(
            participant_id="agent.holder", reason=value
        )
        yield asked("RegistryService", said, suspend, "reason")
    for kind, value in FEW_NAMES.items():
        claims = registry_pb2.UpdateCapabilitiesRequest(
            participant_id="agent.holder", capabilities=[value]
        )
        yield asked("RegistryService", f"to one {kind}", claims, "capabilities[0]")
    grant = governance_pb2.GrantCertificationRequest(
        participant_id="agent.holder", capability="duplicate_detection", evidence="e", coverage=1.5
    )
    yield asked("GovernanceService", "beyond the whole", grant, "coverage")


def pages() -> Iterator[Wire]:
    for kind, token in TOKENS.items():
        requests: dict[str, Message] = {
            "RegistryService": registry_pb2.ListParticipantsRequest(page_token=token),
            "AssignmentService": assignment_pb2.ListTasksRequest(page_token=token),
            "HandoffService": handoff_pb2.ListHandoffsRequest(page_token=token),
            "AuditService": audit_pb2.ListAuditEventsRequest(page_token=token),
        }
        for service, request in requests.items():
            yield asked(service, f"with a token {kind}", request, "page_token")
    for size in (-1, 201, (1 << 31) - 1):
        requests = {
            "RegistryService": registry_pb2.ListParticipantsRequest(page_size=size),
            "AssignmentService": assignment_pb2.ListTasksRequest(page_size=size),
            "ApprovalService": approval_pb2.ListApprovalsRequest(page_size=size),
            "AuditService": audit_pb2.ListAuditEventsRequest(page_size=size),
        }
        for service, request in requests.items():
            yield asked(service, f"with pages of {size}", request, "page_size")


def search(name: str, query: str, field: str) -> Rest:
    """A search that is sound but for ``query``."""
    target = f"{DISCOVER}?{query}"
    return Rest(name=f"a search {name}", method="GET", target=target, refusal=names(field))


def events(name: str, query: str, field: str) -> Rest:
    """A read of the audit."""
    target = f"{EVENTS}?{query}"
    return Rest(name=f"events {name}", method="GET", target=target, refusal=names(field))


def searches() -> Iterator[Rest]:
    for kind, value in FEW_NAMES.items():
        query = f"required_capabilities={quote(value)}"
        yield search(f"for a capability {kind}", query, "required_capabilities")
    for size in SIZES:
        yield search(f"by pages of {size}", f"{SOUND}&page_size={size}", "page_size")
    for kind, token in TOKENS.items():
        query = f"{SOUND}&page_token={quote(token)}"
        yield search(f"with a token {kind}", query, "page_token")
    for kind, text in ESCAPES.items():
        yield search(f"for one {kind}", f"required_capabilities={text}", "required_capabilities")
    yield search("of no known risk", f"{SOUND}&risk_level=extreme", "risk_level")
    twice = f"{SOUND}&risk_level=low&risk_level=high"
    yield search("with two risks", twice, "risk_level")
    perhaps = f"{SOUND}&degraded_allowed=perhaps"
    yield search("that is perhaps degraded", perhaps, "degraded_allowed")
    yield search("with a misspelt name", f"{SOUND}&risk=low", "risk")
    yield search("by a name that is no UTF-8", "%ff=1", "")


def audits() -> Iterator[Rest]:
    for size in SIZES:
        yield events(f"by pages of {size}", f"page_size={size}", "page_size")
    for kind, token in TOKENS.items():
        yield events(f"with a token {kind}", f"page_token={quote(token)}", "page_token")
    for since in ("yesterday", "10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "1"):
        yield events(f"since {since}", f"since={since}", "since")
    for kind, value in FEW_IDS.items():
        for field in ("participant", "task", "handoff", "policy_decision", "correlation_id"):
            yield events(f"of a {field} {kind}", f"{field}={quote(value)}", field)
    for kind, text in ESCAPES.items():
        yield events(f"of a task {kind}", f"task={text}", "task")
    yield events("of a type that is none", "type=%3Cscript%3E", "type")


CASES: list[Wire | Rest] = [*by_id(), *by_people(), *pages(), *searches(), *audits()]
