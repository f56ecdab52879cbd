"""Context variables: the call that is being served, or the loop that is at work."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from phoenix_runtime.chassis.schema import Rpc
from phoenix_runtime.core.principal import Call


@dataclass(frozen=True, slots=True)
class Serving:
    """The RPC and call that is served; ``deadline`` is on the monotonic clock, or None."""

    rpc: Rpc | None
    call: Call | None
    deadline: float | None = None
    pace: Callable[[], float] | None = None
    """Answers, after each message of a client stream, the seconds to wait before the next."""


serving: ContextVar[Serving] = ContextVar("serving", default=Serving(None, None))  # noqa: B039  # frozen
"""Set by the interceptors for the task that serves the call."""
working: ContextVar[str] = ContextVar("working", default="")
"""The loop that is at work, where no call is being served."""


def current_call() -> Call:
    """The call under way; raises LookupError outside of one (the interceptors are missing)."""
    call = serving.get().call
    if call is None:
        raise LookupError("no call is being served: is the server built by chassis.server?")
    return call
