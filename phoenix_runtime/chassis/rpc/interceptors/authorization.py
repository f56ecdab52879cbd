"""Checks the caller's role against the roles that the schema names for the RPC."""

from phoenix_runtime.chassis.rpc.interceptors.stages import Arrival
from phoenix_runtime.chassis.rpc.roles import require_role
from phoenix_runtime.chassis.schema import Rpc
from phoenix_runtime.chassis.serving import serving
from phoenix_runtime.core.errors import CredentialInvalid
from phoenix_runtime.core.principal import Call


class AuthorizationStage:
    """Refuses a call whose principal holds none of the roles that the schema names."""

    def around(self, arrival: Arrival) -> None:
        """Raises `NotPermitted` for a genuine credential of the wrong kind."""
        if arrival.rpc is not None and not arrival.rpc.open:
            check(arrival.rpc, serving.get().call)


def check(rpc: Rpc, call: Call | None) -> None:
    """Raise unless ``call`` may use ``rpc``; of a privileged one its own service says so."""
    if call is None:
        raise CredentialInvalid("The call carries no credential")
    if not rpc.privileged:  # else `RpcHandler.mutate` refuses, and audits what was tried
        require_role(rpc, call)
