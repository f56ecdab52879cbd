"""An address for a part that begins to listen later, or is started again there."""

from phoenix_runtime.local.ports import LOOPBACK, choose


def free_address() -> str:
    """On a port that no outgoing connection is given before the part has it."""
    (port,) = choose(free=True, parts=["rest"]).values()
    return f"{LOOPBACK}:{port}"
