"""The schema keeps its promises: every RPC says who may call, what is asked, what is audited."""

import re
from pathlib import Path

import pytest

from phoenix_runtime.chassis.schema import FILES, Rpc, rpcs
from phoenix_runtime.core.events import AuditEventType
from phoenix_runtime.core.principal import Role
from phoenix_runtime.core.verdict import DecisionPoint

ALL = sorted(rpcs().values(), key=lambda rpc: rpc.path)
PROTOS = Path(__file__).parents[2] / "protos" / "phoenix_dma" / "v1"


def named(rpc: Rpc) -> str:
    return rpc.path


def test_no_file_of_the_contract_is_left_out() -> None:
    with_services = {
        path.stem
        for path in PROTOS.glob("*.proto")
        if re.search(r"^service ", path.read_text(), re.MULTILINE)
    }
    assert with_services == set(FILES)


@pytest.mark.parametrize("rpc", ALL, ids=named)
def test_every_rpc_is_governed(rpc: Rpc) -> None:
    assert rpc.roles, "an RPC without roles could be called by nobody"
    assert all(DecisionPoint(policy) for policy in rpc.policies)
    assert all(AuditEventType(event) for event in rpc.audit_events)


@pytest.mark.parametrize("rpc", ALL, ids=named)
def test_only_public_keys_are_open(rpc: Rpc) -> None:
    assert rpc.open == (rpc.method == "GetJwks")


@pytest.mark.parametrize("rpc", [r for r in ALL if r.services_only], ids=named)
def test_what_is_for_services_says_so(rpc: Rpc) -> None:
    assert "Services only" in comment_of(rpc)


@pytest.mark.parametrize("rpc", [r for r in ALL if not r.services_only], ids=named)
def test_every_other_rpc_says_who_may_call(rpc: Rpc) -> None:
    assert re.search(r"may (call|decide)|whom policy lets decide", comment_of(rpc)), comment_of(rpc)


@pytest.mark.parametrize("rpc", [r for r in ALL if r.audit_events], ids=named)
def test_what_changes_something_takes_a_request_id(rpc: Rpc) -> None:
    exempt = {
        "DiscoverParticipants",  # its repetition is harmless: it reads
        "BeginRetirement",  # idempotent by retirement_id
        "FinishRetirement",
        "KeepAlive",
        "Heartbeat",  # a beat is a beat
        "WaitForDirectives",  # it reads
        "Enrol",
        "RenewCredential",
        "RequestApproval",  # idempotent by its subject
        "CancelApproval",
        "ListAuditEvents",  # they read; only that it was refused is written
        "GetLineage",
    }
    assert rpc.method in exempt or "request_id" in rpc.request.DESCRIPTOR.fields_by_name


AUTHORITY = {
    "APPROVAL_DECIDED",
    "CERTIFICATION_GRANTED",
    "CERTIFICATION_REVOKED",
    "IDENTITY_DISABLED",
    "IDENTITY_ENROLLED",
    "IDENTITY_ROLES_CHANGED",
    "PARTICIPANT_REINSTATED",
    "PARTICIPANT_SUSPENDED",
    "POLICY_ACTIVATED",
    "POLICY_UPLOADED",
}
"""What changes who may say yes, who somebody is or is shut out, or what policy says."""
BY_ENROLMENT = {"Enrol"}
"""Opened by an enrolment credential, whatever roles that names."""


@pytest.mark.parametrize("rpc", ALL, ids=named)
def test_who_tries_a_privileged_call_without_its_role_is_audited(rpc: Rpc) -> None:
    for_people = not rpc.services_only and rpc.method not in BY_ENROLMENT
    assert rpc.privileged == (for_people and bool(AUTHORITY & set(rpc.audit_events)))
    assert not rpc.privileged or "ACCESS_REFUSED" in rpc.audit_events
    assert not (rpc.privileged and rpc.held_open), "the handler of single calls refuses"


def test_participants_never_reach_what_is_for_services() -> None:
    mixed = [r.path for r in ALL if Role.SERVICE in r.roles and Role.ANYBODY in r.roles]
    assert mixed == []


def comment_of(rpc: Rpc) -> str:
    """The comment above an RPC in its file."""
    for path in PROTOS.glob("*.proto"):
        text = path.read_text()
        service = rpc.service.rsplit(".", 1)[1]
        if f"service {service} " in text:
            found = re.search(rf"((?:  //[^\n]*\n)+)  rpc {rpc.method}\(", text)
            assert found, f"{rpc.path} has no comment"
            return found.group(1)
    raise AssertionError(f"no file holds {rpc.path}")
