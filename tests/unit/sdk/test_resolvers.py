"""A resolver is a function of the program: it may raise anything, and return anything."""

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from phoenix_dma.aio.work.context_reader import ContextReader, ResolverFailed
from phoenix_dma.v1 import state_pb2
from phoenix_dma.wire.canonical_json import bytes_hash

REFERENCE = state_pb2.StateReference(state_ref="s3://bucket/a", hash=bytes_hash(b"kept"))


class Session:
    """Answers that the context is stored elsewhere."""

    stubs = SimpleNamespace(state=SimpleNamespace(GetContext=None))

    async def ask(self, method: Any, request: Any) -> state_pb2.GetContextResponse:
        answer = state_pb2.GetContextResponse(reference=REFERENCE)
        answer.checkpoint.hash = REFERENCE.hash
        return answer


def reading_with(resolve: Callable[..., Any]) -> ContextReader:
    reader = ContextReader(cast(Any, Session()))
    reader.resolvers["s3"] = resolve
    return reader


async def awaiting(reference: state_pb2.StateReference) -> bytes:
    return b"kept"


async def exiting(reference: state_pb2.StateReference) -> bytes:
    raise SystemExit(1)


@pytest.mark.parametrize("resolve", [awaiting, lambda reference: b"kept"], ids=["async", "sync"])
async def test_what_it_returns_is_hashed(resolve: Callable[..., Any]) -> None:
    context = await reading_with(resolve).read("phoenix://context/task.1")
    assert context["data_references"][0]["state_ref"] == "s3://bucket/a"


@pytest.mark.parametrize(
    ("resolve", "says"),
    [
        (exiting, "failed: SystemExit: 1"),
        (lambda reference: sys.exit(2), "failed: SystemExit: 2"),
        (lambda reference: {}["a"], "failed: KeyError: 'a'"),
        (lambda reference: "kept", "returned a str, and no bytes"),
    ],
    ids=["async exit", "exit", "exception", "no bytes"],
)
async def test_however_it_fails_it_is_said_of_it(resolve: Callable[..., Any], says: str) -> None:
    with pytest.raises(ResolverFailed, match=says):
        await reading_with(resolve).read("phoenix://context/task.1")
