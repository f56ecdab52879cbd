"""One child process with one engine in it, asked one question at a time, killed at its deadline."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from governance_svc.adapters.policy_engines import engine_frames
from governance_svc.adapters.policy_engines.policy_session import CutOff, PolicyFault
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.json import Json

CHILD = "governance_svc.adapters.policy_engines.engine_child"

PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")
"""The child's environment, beside PYTHON…: an engine needs none of the service's secrets."""


COLLECT_SELDOM = {"GOGC": "400"}
"""The engine's heap is small and its garbage short-lived: fewer collections, faster answers."""


class SessionEnded(PolicyEngineUnavailable):
    """The child was gone before it was asked: another one may answer."""


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Seconds, and how many questions may wait (I14).

    ``evaluation`` is one decision's deadline, ``loading`` that of each step of loading a bundle,
    ``patience`` that of waiting for one's turn.
    """

    evaluation: float = 1.0
    loading: float = 10.0
    patience: float = 5.0
    waiting: int = 256


class ChildSession:
    """A `PolicySession` in a process of its own. Safe to ask from many tasks at once."""

    def __init__(self, process: asyncio.subprocess.Process, limits: EngineLimits) -> None:
        self._process = process
        self._limits = limits
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._exchanges: set[asyncio.Task[Json]] = set()
        self._ended = False
        self.deadline = limits.loading

    @classmethod
    async def start(cls, limits: EngineLimits) -> "ChildSession":
        """A new, empty engine; raises `PolicyEngineUnavailable` where it cannot be started."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if name in PASSED_ON or name.startswith("PYTHON")
        } | COLLECT_SELDOM
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
        """True once the child is known to be gone or was ended."""
        return self._ended or self._process.returncode is not None

    async def put_modules(self, modules: Mapping[str, str]) -> None:
        """Add modules; raises `PolicyFault` for syntax here, for the rest at the first question."""
        for path, source in modules.items():
            await self._request({"module": path, "source": source})

    async def put_data(self, name: str, value: Json) -> None:
        """Set ``data.<name>``; once, since the engine merges."""
        await self._request({"data": name, "value": value})

    async def document(self, path: str, input_document: Json) -> Json:
        """The value of ``data.<path>``, None where undefined; raises `PolicyFault`."""
        return await self._request({"document": path, "input": input_document})

    async def documents(self, paths: Sequence[str]) -> Sequence[Json]:
        """Several documents in one query: each new query makes the engine compile once more."""
        answers = await self._request({"documents": list(paths)})
        return answers if isinstance(answers, list) else [None] * len(paths)

    async def announce(self, revision: str) -> None:
        """Nothing to do: a child holds one bundle for life, and whoever started it knows which."""

    async def finish(self) -> None:
        """End the child once the question under way is answered."""
        async with self._turn:
            await self.kill()

    async def kill(self) -> None:
        """End the child at once and wait until it is gone."""
        self._ended = True
        if self._process.returncode is None:
            with suppress(ProcessLookupError):  # it may just have ended by itself
                self._process.kill()
        await self._process.wait()

    async def _request(self, request: Json) -> Json:
        frame = engine_frames.encode(request)
        await self._take_turn()
        # A caller that gives up must not leave half an answer in the pipe for the next one: the
        # exchange runs to its end as a task of its own, and the turn ends with it.
        exchange = asyncio.ensure_future(self._exchange(frame))
        self._exchanges.add(exchange)
        exchange.add_done_callback(self._end_turn)
        return _read_answer(await asyncio.shield(exchange))

    async def _take_turn(self) -> None:
        if self._waiting >= self._limits.waiting:
            raise PolicyEngineUnavailable("Too many questions wait for the policy engine")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.patience):
                await self._turn.acquire()
        except TimeoutError as error:
            raise PolicyEngineUnavailable("The policy engine is busy") from error
        finally:
            self._waiting -= 1

    def _end_turn(self, exchange: "asyncio.Task[Json]") -> None:
        self._exchanges.discard(exchange)
        self._turn.release()
        if not exchange.cancelled():
            exchange.exception()  # seen here: a caller that gave up will not look at it

    async def _exchange(self, frame: bytes) -> Json:
        if self.ended:
            raise SessionEnded("The policy engine was replaced")
        try:
            async with asyncio.timeout(self.deadline):
                return await self._write_and_read(frame)
        except TimeoutError as error:
            await self.kill()
            raise CutOff("The policy was cut off at its deadline") from error
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            await self.kill()
            raise CutOff("The policy engine died over this question") from error
        except asyncio.CancelledError:
            await self.kill()  # the loop ends: nobody will read the rest of the answer
            raise

    async def _write_and_read(self, frame: bytes) -> Json:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or stdin.is_closing():
            # uvloop, unlike asyncio, answers a write to a pipe that has closed by a RuntimeError.
            raise OSError("the child has no pipes any more")
        stdin.write(frame)
        await stdin.drain()
        return await engine_frames.receive(stdout)


def _read_answer(answer: Json) -> Json:
    if not isinstance(answer, Mapping):
        raise PolicyFault("the engine's process gave no answer")
    if isinstance(fault := answer.get("fault"), str):
        raise PolicyFault(fault)
    return answer.get("value")
