"""Checks the caller's role against the roles that the schema names for the RPC."""

from phoenix_runtime.chassis.rpc.interceptors.chain import Arrival
from phoenix_runtime.chassis.rpc.interceptors.identity import GATEWAY
from phoenix_runtime.chassis.schema import Rpc
from phoenix_runtime.chassis.serving import serving
from phoenix_runtime.core.errors import CredentialInvalid, role_missing
from phoenix_runtime.core.principal import Call, Role


class AuthorizationStage:
    """Refuses a call whose principal holds none of the roles that the schema names."""

    def around(self, arrival: Arrival) -> None:
        """Raises `NotPermitted` for a genuine credential of the wrong kind."""
        if arrival.rpc is not None and not arrival.rpc.open:
            check(arrival.rpc, serving.get().call)


def check(rpc: Rpc, call: Call | None) -> None:
    """Raise unless ``call`` may use ``rpc``: by a role of the caller, or as another service."""
    if call is None:
        raise CredentialInvalid("The call carries no credential")
    if rpc.role_refusals_audited:
        return  # refused and audited by its use case, which knows what the call is about
    if Role.ENROLLER in rpc.roles:
        return  # an enrolment credential was verified as such: it opens this and nothing else
    as_service = Role.SERVICE in rpc.roles and call.service not in {"", GATEWAY}
    if not as_service and rpc.roles.isdisjoint(call.principal.roles - {Role.SERVICE}):
        raise role_missing(rpc.method, allowed=rpc.roles, held=call.principal.roles)
