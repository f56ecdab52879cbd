"""One child process that runs one engine, answers one request at a time, and has a deadline."""

import asyncio
import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from governance_svc.adapters.policy_engines import engine_frames
from governance_svc.adapters.policy_engines.engine_frames import EngineCall
from governance_svc.adapters.policy_engines.json_texts import NO_INPUT, json_text, json_value
from governance_svc.adapters.policy_engines.policy_session import (
    EvaluationAborted,
    NoEngine,
    RegoError,
)
from governance_svc.domain.policy.engine import EVALUATION_SECONDS, LOADING_SECONDS
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.json import Json

CHILD: Final = "governance_svc.adapters.policy_engines.engine_child"

INHERITED: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")
"""The child's environment, beside PYTHON…: an engine needs none of the service's secrets."""

SCARCE: Final = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
"""Errors of a start that end by themselves."""

NO_ENGINE_YET: Final[Mapping[int | None, str]] = {
    engine_frames.NO_MEMORY: "There was no memory to start the policy engine",
    2: "The policy engine's library gave up at its start, as it does without memory (code 2)",
}
"""Codes with which an engine ends that is one; Go's own runtime ends a process with 2."""

EXIT_SECONDS: Final = 5.0
"""How long a child that has closed its pipe may take to end."""

GARBAGE_COLLECTION: Final = {"GOGC": "400"}
"""The engine's heap is small and its garbage short-lived: fewer collections, faster answers."""

Read = TypeVar("Read")


class SessionEnded(PolicyEngineUnavailable):
    """The child had ended before the request was sent: another child may answer."""


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Deadlines in seconds, and how many requests may wait (I14).

    ``evaluation`` is the deadline of one decision, ``loading`` that of each step of loading a
    bundle, ``queue`` the longest wait for a free engine, ``max_queued`` how many may wait.
    ``starting`` is that of each step of an engine's first load, where it is another.
    """

    evaluation: float = EVALUATION_SECONDS
    loading: float = LOADING_SECONDS
    queue: float = 5.0
    max_queued: int = 256
    starting: float | None = None


class ChildSession:
    """A `PolicySession` in a process of its own. Safe to use from many tasks at once."""

    def __init__(self, process: asyncio.subprocess.Process, limits: EngineLimits) -> None:
        self._process = process
        self._limits = limits
        self._pipe = asyncio.Lock()
        self._queued = 0
        self._exchanges: set[asyncio.Task[Any]] = set()
        self._ended = False
        self.answered = False
        """Whether it has answered anything: until then it may be no engine at all."""
        self.crashed = False
        """Whether it ended for what may pass before it had answered anything: a signal, memory."""
        self.deadline = limits.loading

    @classmethod
    async def start(cls, limits: EngineLimits) -> "ChildSession":
        """A new, empty engine; raises `PolicyEngineUnavailable` where it cannot be started."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if name in INHERITED or name.startswith("PYTHON")
        } | GARBAGE_COLLECTION
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                CHILD,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=environment,
            )
        except OSError as error:
            text = f"The policy engine could not be started: {error.strerror or error}"
            raise PolicyEngineUnavailable(text, lasting=error.errno not in SCARCE) from error
        return cls(process, limits)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """True once the child has ended or was killed."""
        return self._ended or self._process.returncode is not None

    async def put_modules(self, modules: Mapping[str, str]) -> None:
        """Add modules; raises `RegoError` for syntax here, for the rest at the first request."""
        for path, source in modules.items():
            await self._ask(EngineCall.ADD_MODULE, path, _text(source), _nothing)

    async def put_data(self, name: str, value: Json) -> None:
        """Set ``data.<name>``; once, since the engine merges."""
        await self._ask(EngineCall.ADD_DATA, name, json_text(value), _nothing)

    async def document(self, path: str, input_document: Json) -> Json:
        """The value of ``data.<path>``, None where undefined; raises `RegoError`."""
        return await self._ask(EngineCall.DOCUMENT, path, json_text(input_document), _document)

    async def documents(self, paths: Sequence[str]) -> Sequence[Json]:
        """Several documents in one query: each new query makes the engine compile once more."""
        listed = ", ".join(f"[x | x := data.{path}]" for path in paths)
        query = f"answers := [{listed}]"
        answers = await self._ask(EngineCall.QUERY, query, NO_INPUT, _documents)
        if len(answers) != len(paths):
            raise PolicyEngineUnavailable("The policy engine gave other documents than asked for")
        return answers

    async def activate(self, revision: str) -> None:
        """Does nothing: a child holds one bundle for life, and whoever started it knows which."""

    async def finish(self) -> None:
        """End the child after the request that it works on."""
        async with self._pipe:
            await self.kill()

    async def kill(self) -> None:
        """End the child at once and wait until it has ended."""
        self._ended = True
        if self._process.returncode is None:
            with suppress(ProcessLookupError):  # it may just have ended by itself
                self._process.kill()
        await self._process.wait()

    async def _ask(
        self, call: EngineCall, first: str, second: bytes, read: Callable[[Any], Read]
    ) -> Read:
        """What ``read`` finds in the result; raises `RegoError` where the engine answers that."""
        frame = engine_frames.request(call, _text(first), second)
        await self._acquire_pipe()
        # A cancelled caller must not leave half an answer in the pipe for the next one: the
        # exchange runs to its end as a task of its own, which releases the pipe.
        exchange = asyncio.ensure_future(self._exchange(frame, read))
        self._exchanges.add(exchange)
        exchange.add_done_callback(self._release_pipe)
        return await asyncio.shield(exchange)

    async def _acquire_pipe(self) -> None:
        if not self._queued and not self._pipe.locked():
            await self._pipe.acquire()  # it is free: no wait, so no deadline
            return
        if self._queued >= self._limits.max_queued:
            text = "Too many evaluations wait for the policy engine; try again later"
            raise PolicyEngineUnavailable(text)
        self._queued += 1
        try:
            async with asyncio.timeout(self._limits.queue):
                await self._pipe.acquire()
        except TimeoutError as error:
            text = "The policy engine is busy with other evaluations; try again later"
            raise PolicyEngineUnavailable(text) from error
        finally:
            self._queued -= 1

    def _release_pipe(self, exchange: "asyncio.Task[Any]") -> None:
        self._exchanges.discard(exchange)
        self._pipe.release()
        if not exchange.cancelled():
            exchange.exception()  # retrieved here, because a cancelled caller never does

    async def _exchange(self, frame: bytes, read: Callable[[Any], Read]) -> Read:
        if self.ended:
            raise SessionEnded("The policy engine was replaced")
        try:
            async with asyncio.timeout(self.deadline):
                answer = await self._write_and_read(frame)
            result = json_value(answer)
            found = _result(result)
            self.answered = True
            return read(found)
        except TimeoutError as error:
            await self.kill()
            text = f"The policy was cut off at its deadline of {self.deadline:g} s"
            raise EvaluationAborted(text) from error
        except (asyncio.IncompleteReadError, OSError) as error:
            raise await self._died() from error
        except (ValueError, LookupError, TypeError) as error:
            await self.kill()  # whatever writes to this pipe is no engine of ours
            if not self.answered:
                raise NoEngine("What runs as the policy engine answers something else") from error
            raise EvaluationAborted("The policy engine gave no answer") from error
        except asyncio.CancelledError:
            await self.kill()  # the event loop ends: the rest of the answer is never read
            raise

    async def _died(self) -> PolicyEngineUnavailable:
        """The error for a child that has closed its pipe, which has ended on return."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(EXIT_SECONDS):
                    await self._process.wait()
            code = self._process.returncode
        finally:
            await self.kill()
        if self.answered:
            return EvaluationAborted("The policy engine died during the evaluation")
        if code in NO_ENGINE_YET:
            self.crashed = True
            return EvaluationAborted(NO_ENGINE_YET[code])
        how = "closed its pipe" if code is None else f"ended with code {code}"
        if code is None or code >= 0:
            return NoEngine(f"What runs as the policy engine {how} before it answered anything")
        self.crashed = True
        return EvaluationAborted(f"The policy engine was ended by signal {-code} at its start")

    async def _write_and_read(self, frame: bytes) -> bytes:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or stdin.is_closing():
            # uvloop, unlike asyncio, raises RuntimeError for a write to a closed pipe.
            raise OSError("the child's pipes are closed")
        stdin.write(frame)
        await stdin.drain()
        return await engine_frames.receive_answer(stdout)


def _result(answer: Any) -> Any:
    """The result in an answer of the library; raises LookupError or TypeError where it is none."""
    if "error" not in answer:
        return answer["result"]
    raise RegoError(str(answer["error"]["message"]))


def _nothing(_: Any) -> None:
    """What is to be read where something was only told."""


def _document(result: Any) -> Json:
    """The one value that a document has, None where it is undefined."""
    if result is None:
        return None
    value: Json = result[0]["expressions"][0]["value"]
    return value


def _documents(result: Any) -> list[Json]:
    """The values of several documents, each in a list that is empty where it is undefined."""
    return [values[0] if values else None for values in result[0]["bindings"]["answers"]]


def _text(text: str) -> bytes:
    """``text`` for the engine, which reads up to the first NUL; raises `RegoError`."""
    if "\0" in text:
        raise RegoError("it holds a NUL character")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise RegoError(f"it is not valid UTF-8: {error}") from None
