"""Maps each proto service to the backend that serves it."""

from collections.abc import Mapping

PACKAGE = "phoenix_dma.v1"

GATEWAY_SERVICE = f"{PACKAGE}.GatewayService"
"""Served by the gateway itself."""

SERVED_BY: Mapping[str, str] = {
    f"{PACKAGE}.RegistryService": "registry",
    f"{PACKAGE}.IdentityService": "registry",
    f"{PACKAGE}.SessionService": "registry",
    f"{PACKAGE}.AssignmentService": "assignment",
    f"{PACKAGE}.EffectService": "assignment",
    f"{PACKAGE}.HandoffService": "assignment",
    f"{PACKAGE}.StateService": "state",
    f"{PACKAGE}.GovernanceService": "governance",
    f"{PACKAGE}.ApprovalService": "governance",
    f"{PACKAGE}.AuditService": "governance",
}
"""The backend of each proto service, by the names that `chassis.rpc.channels` knows."""
