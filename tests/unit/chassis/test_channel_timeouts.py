"""How long a call to a peer may take."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from phoenix_runtime.chassis.rpc.channels import Channels


def test_a_call_takes_as_long_as_is_set_and_one_that_waits_as_long_as_it_needs() -> None:
    settings: Any = SimpleNamespace(call_timeout=timedelta(seconds=10))
    signer: Any = None
    channels = Channels(settings, signer)
    assert channels.timeout() == 10
    assert channels.timeout(at_least=30) == 30
    assert channels.timeout(at_least=5) == 10
