"""What passes by itself is UNAVAILABLE, however a library says it; what is our fault is not."""

from __future__ import annotations

import asyncpg
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from phoenix_dma.wire.status_details import DETAILS_KEY, DOMAIN
from phoenix_runtime.chassis.data.database_errors import refusal_for
from phoenix_runtime.chassis.rpc.statuses import code_of, refusal_of, retry_after
from phoenix_runtime.core.errors import Unavailable


def ended(code: StatusCode, trailing: Metadata | None = None) -> AioRpcError:
    return AioRpcError(code, Metadata(), trailing or Metadata(), details="Stream removed")


@pytest.mark.parametrize("code", [StatusCode.INTERNAL, StatusCode.UNKNOWN, StatusCode.CANCELLED])
def test_a_call_to_a_peer_that_grpc_itself_ended_may_be_made_again(code: StatusCode) -> None:
    refused = refusal_of(ended(code))
    assert isinstance(refused, Unavailable)
    assert code_of(refused) is StatusCode.UNAVAILABLE
    assert retry_after(refused)


def test_a_fault_of_a_peer_stays_one() -> None:
    fault = any_pb2.Any()
    fault.Pack(error_details_pb2.ErrorInfo(reason="INTERNAL", domain=DOMAIN))
    status = status_pb2.Status(code=13, message="Something went wrong", details=[fault])
    refused = refusal_of(
        ended(StatusCode.INTERNAL, Metadata((DETAILS_KEY, status.SerializeToString())))
    )
    assert not isinstance(refused, Unavailable)
    assert code_of(refused) is StatusCode.INTERNAL


LOST = [
    asyncpg.IdleInTransactionSessionTimeoutError("terminating connection"),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    asyncpg.InterfaceError("cannot perform operation: connection is closed"),
    asyncpg.InternalClientError("got result for unknown protocol state 3"),
    asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    RuntimeError(
        "unable to perform operation on <TCPTransport closed=True>; the handler is closed"
    ),
    TimeoutError(),
    ConnectionResetError(),
]
OURS = [
    asyncpg.UndefinedColumnError("no such column"),
    asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed"),
    RuntimeError("a statement failed inside the transaction and its error was ignored"),
]


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
def test_a_database_that_broke_off_is_unavailable(error: Exception) -> None:
    assert isinstance(refusal_for(error), Unavailable)


@pytest.mark.parametrize("error", OURS, ids=lambda error: type(error).__name__)
def test_a_mistake_in_a_statement_is_not(error: Exception) -> None:
    assert refusal_for(error) is None
