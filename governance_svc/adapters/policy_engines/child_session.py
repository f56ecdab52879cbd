"""One child process that runs one engine, answers one request at a time, and has a deadline."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from governance_svc.adapters.policy_engines import engine_frames
from governance_svc.adapters.policy_engines.policy_session import EvaluationAborted, RegoError
from governance_svc.domain.policy.engine import EVALUATION_SECONDS, LOADING_SECONDS
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.json import Json, JsonObject

CHILD: Final = "governance_svc.adapters.policy_engines.engine_child"

INHERITED: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")
"""The child's environment, beside PYTHON…: an engine needs none of the service's secrets."""

GARBAGE_COLLECTION: Final = {"GOGC": "400"}
"""The engine's heap is small and its garbage short-lived: fewer collections, faster answers."""


class SessionEnded(PolicyEngineUnavailable):
    """The child had ended before the request was sent: another child may answer."""


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Deadlines in seconds, and how many requests may wait (I14).

    ``evaluation`` is the deadline of one decision, ``loading`` that of each step of loading a
    bundle, ``queue`` the longest wait for a free engine, ``max_queued`` how many may wait.
    """

    evaluation: float = EVALUATION_SECONDS
    loading: float = LOADING_SECONDS
    queue: float = 5.0
    max_queued: int = 256


class ChildSession:
    """A `PolicySession` in a process of its own. Safe to use from many tasks at once."""

    def __init__(self, process: asyncio.subprocess.Process, limits: EngineLimits) -> None:
        self._process = process
        self._limits = limits
        self._pipe = asyncio.Lock()
        self._queued = 0
        self._exchanges: set[asyncio.Task[JsonObject]] = set()
        self._ended = False
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
            raise PolicyEngineUnavailable("The policy engine could not be started") from error
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
            await self._request({"module": path, "source": source})

    async def put_data(self, name: str, value: Json) -> None:
        """Set ``data.<name>``; once, since the engine merges."""
        await self._request({"data": name, "value": value})

    async def document(self, path: str, input_document: Json) -> Json:
        """The value of ``data.<path>``, None where undefined; raises `RegoError`."""
        return await self._request({"document": path, "input": input_document})

    async def documents(self, paths: Sequence[str]) -> Sequence[Json]:
        """Several documents in one query: each new query makes the engine compile once more."""
        answers = await self._request({"documents": list(paths)})
        if not isinstance(answers, list) or len(answers) != len(paths):
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

    async def _request(self, request: Json) -> Json:
        frame = engine_frames.encode(request)
        await self._acquire_pipe()
        # A cancelled caller must not leave half an answer in the pipe for the next one: the
        # exchange runs to its end as a task of its own, which releases the pipe.
        exchange = asyncio.ensure_future(self._exchange(frame))
        self._exchanges.add(exchange)
        exchange.add_done_callback(self._release_pipe)
        return _result_of(await asyncio.shield(exchange))

    async def _acquire_pipe(self) -> None:
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

    def _release_pipe(self, exchange: "asyncio.Task[JsonObject]") -> None:
        self._exchanges.discard(exchange)
        self._pipe.release()
        if not exchange.cancelled():
            exchange.exception()  # retrieved here, because a cancelled caller never does

    async def _exchange(self, frame: bytes) -> JsonObject:
        if self.ended:
            raise SessionEnded("The policy engine was replaced")
        try:
            async with asyncio.timeout(self.deadline):
                answer = await self._write_and_read(frame)
        except TimeoutError as error:
            await self.kill()
            raise EvaluationAborted("The policy was cut off at its deadline") from error
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            await self.kill()
            raise EvaluationAborted("The policy engine died during the evaluation") from error
        except asyncio.CancelledError:
            await self.kill()  # the event loop ends: the rest of the answer is never read
            raise
        if isinstance(answer, Mapping) and answer.keys() in ({"value"}, {"error"}):
            return answer
        await self.kill()  # whatever writes to this pipe is no engine of ours
        raise EvaluationAborted("The policy engine gave no answer")

    async def _write_and_read(self, frame: bytes) -> Json:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or stdin.is_closing():
            # uvloop, unlike asyncio, raises RuntimeError for a write to a closed pipe.
            raise OSError("the child's pipes are closed")
        stdin.write(frame)
        await stdin.drain()
        return await engine_frames.receive(stdout)


def _result_of(answer: JsonObject) -> Json:
    if "error" in answer:
        raise RegoError(str(answer["error"]))
    return answer["value"]
