"""The stubs of every service over one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phoenix_dma.aio.rpc.connection import Connection
from phoenix_dma.v1 import (
    approval_pb2_grpc,
    assignment_pb2_grpc,
    audit_pb2_grpc,
    effect_pb2_grpc,
    gateway_pb2_grpc,
    governance_pb2_grpc,
    handoff_pb2_grpc,
    identity_pb2_grpc,
    registry_pb2_grpc,
    session_pb2_grpc,
    state_pb2_grpc,
)

if TYPE_CHECKING:
    # The asynchronous stubs are a class of their own for type checkers only.
    from phoenix_dma.v1.approval_pb2_grpc import ApprovalServiceAsyncStub
    from phoenix_dma.v1.assignment_pb2_grpc import AssignmentServiceAsyncStub
    from phoenix_dma.v1.audit_pb2_grpc import AuditServiceAsyncStub
    from phoenix_dma.v1.effect_pb2_grpc import EffectServiceAsyncStub
    from phoenix_dma.v1.gateway_pb2_grpc import GatewayServiceAsyncStub
    from phoenix_dma.v1.governance_pb2_grpc import GovernanceServiceAsyncStub
    from phoenix_dma.v1.handoff_pb2_grpc import HandoffServiceAsyncStub
    from phoenix_dma.v1.identity_pb2_grpc import IdentityServiceAsyncStub
    from phoenix_dma.v1.registry_pb2_grpc import RegistryServiceAsyncStub
    from phoenix_dma.v1.session_pb2_grpc import SessionServiceAsyncStub
    from phoenix_dma.v1.state_pb2_grpc import StateServiceAsyncStub


class Stubs:
    """One attribute a service."""

    def __init__(self, connection: Connection) -> None:
        channel: Any = connection  # generated code knows grpc's own class alone
        self.approvals: ApprovalServiceAsyncStub = approval_pb2_grpc.ApprovalServiceStub(channel)
        self.assignment: AssignmentServiceAsyncStub = assignment_pb2_grpc.AssignmentServiceStub(
            channel
        )
        self.audit: AuditServiceAsyncStub = audit_pb2_grpc.AuditServiceStub(channel)
        self.effects: EffectServiceAsyncStub = effect_pb2_grpc.EffectServiceStub(channel)
        self.gateway: GatewayServiceAsyncStub = gateway_pb2_grpc.GatewayServiceStub(channel)
        self.governance: GovernanceServiceAsyncStub = governance_pb2_grpc.GovernanceServiceStub(
            channel
        )
        self.handoffs: HandoffServiceAsyncStub = handoff_pb2_grpc.HandoffServiceStub(channel)
        self.identity: IdentityServiceAsyncStub = identity_pb2_grpc.IdentityServiceStub(channel)
        self.registry: RegistryServiceAsyncStub = registry_pb2_grpc.RegistryServiceStub(channel)
        self.sessions: SessionServiceAsyncStub = session_pb2_grpc.SessionServiceStub(channel)
        self.state: StateServiceAsyncStub = state_pb2_grpc.StateServiceStub(channel)
