"""Serves the RPCs of a servicer: builds the call, answers repetitions, runs the use case."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from google.protobuf.json_format import Error as JsonError
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from phoenix_runtime.chassis.rpc.roles import attempt_of, require_role
from phoenix_runtime.chassis.serving import serving
from phoenix_runtime.core.errors import FieldInvalid, NotPermitted, Refused, Violation
from phoenix_runtime.core.json import content_hash
from phoenix_runtime.core.ports import AccessLog, Attempt
from phoenix_runtime.core.principal import Call, Idempotency

Result = TypeVar("Result")
Answer = TypeVar("Answer", bound=Message)


class AnsweredBefore(Exception):
    """The same request was answered at the same time; the stored answer is the one to give."""


class Memory(Protocol):
    """Stores the first answer of each request id."""

    async def recall(self, call: Call) -> bytes | None:
        """The stored answer of this request id; raises `RequestIdReused` for another body."""
        ...


class RpcHandler:
    """Serves reads and mutations for every servicer of a service."""

    def __init__(self, memory: Memory | None = None, access: AccessLog | None = None) -> None:
        """``access`` writes down who tried a privileged call without its role."""
        self._memory = memory
        self._access = access

    async def read(
        self, *, run: Callable[[Call], Awaitable[Result]], answer: Callable[[Result], Answer]
    ) -> Answer:
        """Serve a call that changes nothing."""
        return answer(await run(_call()))

    async def mutate(
        self,
        request: Message,
        *,
        run: Callable[[Call], Awaitable[Result]],
        answer: Callable[[Result], Answer],
        about: Callable[[Call], Awaitable[Attempt]] | None = None,
    ) -> Answer:
        """Serve a call that changes something, once however often its request id is sent.

        Raises `NotPermitted`, audited, where it is privileged and the caller has no such role;
        ``about`` says more of what was tried than the request does.
        """
        call = _call()
        await self._require_role(call, request, about)
        request_id = _request_id(request, call)
        if not request_id or self._memory is None:
            return answer(await run(call))
        kept: list[tuple[Result, Answer]] = []
        call = _idempotent(call, request, request_id, _keeping(answer, kept))
        stored = await self._memory.recall(call)
        if stored is not None:
            return _parsed(stored)
        own: Answer | None = None
        failure: Exception | None = None
        try:
            own = _message(await run(call), answer, kept)
        except (AnsweredBefore, Refused) as raised:
            failure = raised
        if own is not None and kept:
            return own
        # The same request, served at the same time, may have committed first. Then this one is
        # refused, since the row that it waited for has changed, or it finds the work done and
        # stores no answer: the other one's stored answer is returned.
        stored = await self._memory.recall(call)
        if stored is not None:
            return _parsed(stored)
        if own is None:
            raise failure or LookupError("neither an answer nor a refusal")
        return own

    async def _require_role(
        self,
        call: Call,
        request: Message,
        about: Callable[[Call], Awaitable[Attempt]] | None,
    ) -> None:
        rpc = serving.get().rpc
        if rpc is None or not rpc.privileged:
            return  # the interceptor has checked it
        try:
            require_role(rpc, call)
        except NotPermitted as refused:
            tried = attempt_of(rpc, call, request) if about is None else await about(call)
            if self._access is not None:
                facts = {**refused.facts, **tried.facts, "because": refused.text}
                await self._access.refused(tried.call, tried.what, facts)
            raise


def _call() -> Call:
    call = serving.get().call
    if call is None:
        raise LookupError("no call is being served: is the server built by chassis.server?")
    return call


def _request_id(request: Message, call: Call) -> str:
    given: str = getattr(request, "request_id", "")
    if len(given) > 128:
        raise FieldInvalid([Violation("request_id", "has at most 128 characters")])
    if not given.isprintable():
        raise FieldInvalid([Violation("request_id", "contains a character that is not printable")])
    return given or call.request_id


def _keeping(
    answer: Callable[[Result], Answer], kept: list[tuple[Result, Answer]]
) -> Callable[[Result], bytes]:
    """Encodes answers, and notes in ``kept`` that the use case kept one, of which result."""

    def encode(result: Result) -> bytes:
        message = answer(result)
        kept.append((result, message))
        return message.SerializeToString()

    return encode


def _message(
    result: Result, answer: Callable[[Result], Answer], kept: Sequence[tuple[Result, Answer]]
) -> Answer:
    """The answer of a result: the very one that was stored, where that is of this result."""
    if kept and kept[-1][0] is result:
        return kept[-1][1]
    return answer(result)


def _idempotent(
    call: Call, request: Message, request_id: str, encode: Callable[[Result], bytes]
) -> Call:
    """The call with what its repetition is recognised by."""
    rpc = serving.get().rpc
    try:
        body = MessageToDict(request, preserving_proto_field_name=True)
    except (ValueError, JsonError) as error:  # NaN or an infinity inside a Struct
        raise FieldInvalid([Violation("request", f"is no JSON object: {error}")]) from error
    body.pop("request_id", None)
    key = Idempotency(
        rpc=rpc.path if rpc is not None else type(request).__name__,
        request_id=request_id,
        body_hash=content_hash(body),
        encode=encode,
    )
    return replace(call, request_id=request_id, idempotency=key)


def _parsed(stored: bytes) -> Answer:  # type: ignore[type-var]  # bound by the caller
    rpc = serving.get().rpc
    if rpc is None:
        raise LookupError("a stored answer belongs to an RPC of the schema")
    return rpc.response.FromString(stored)  # type: ignore[return-value]
