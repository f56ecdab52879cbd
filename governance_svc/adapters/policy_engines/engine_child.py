"""The policy engine's own process: runs OPA as a shared library and answers requests over pipes.

`embedded_engine` starts it as a new program, because the library's threads do not survive a fork,
and kills it at a deadline. It ends with its parent: a thread of its own waits for the other end of
the standard input to close, so that even an endless evaluation is ended.

The library is called by its C functions, which take and answer JSON texts, and not by the package's
Python class, which would read and write each of these texts.
"""

import ctypes
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import BinaryIO

from governance_svc.adapters.policy_engines import engine_frames
from governance_svc.adapters.policy_engines.engine_frames import EngineCall

NO_COVERAGE_NO_TRACE = (0, 0)


def main() -> None:
    """Answer one request after the other until the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which ends this
    answers = _answer_pipe()
    requests = sys.stdin.buffer
    threading.Thread(target=_end_with_parent, args=(requests.fileno(),), daemon=True).start()
    try:
        engine = Engine()
    except (MemoryError, OSError, ImportError) as error:
        if not lacks_memory(error):
            raise
        sys.stderr.write(f"no memory for the policy engine: {error}\n")
        os._exit(engine_frames.NO_MEMORY)
    while True:
        try:
            call, first, second = engine_frames.read_request(requests)
        except (EOFError, OSError, ValueError):
            os._exit(0)
        engine_frames.write_answer(answers, engine.answer(call, first, second))


def lacks_memory(error: Exception) -> bool:
    """Whether there was no memory: no library, or a damaged one, fails with the same kinds."""
    if isinstance(error, MemoryError):
        return True
    # Of a library the loader gives a text alone. What may not be run here cannot be mapped either.
    said = str(error)
    return "Cannot allocate memory" in said or (
        "failed to map segment" in said and "not permitted" not in said
    )


def _answer_pipe() -> BinaryIO:
    """The pipe for answers; whatever else prints writes to the standard error instead."""
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return pipe


def _end_with_parent(requests: int) -> None:
    """Waits until the pipe's other end is closed; what waits in it is not touched."""
    hangups = select.poll()
    hangups.register(requests, select.POLLHUP)
    hangups.poll()
    os._exit(0)


class Engine:
    """One engine of the library. Its texts end with a NUL, as those of Python's bytes do."""

    def __init__(self) -> None:
        # Here, and not above: `main` says what it lacks.
        from opa_bindings import _native  # noqa: PLC0415

        self._library = library = _native.load()
        self._handle = library.OpaNew()
        self._functions: Mapping[EngineCall, Callable[..., int | None]] = {
            EngineCall.ADD_MODULE: library.OpaAddPolicy,
            EngineCall.ADD_DATA: library.OpaAddData,
            EngineCall.DOCUMENT: library.OpaEvalDocument,
            EngineCall.QUERY: library.OpaEvalQuery,
        }

    def answer(self, call: EngineCall, first: bytes, second: bytes) -> bytes:
        """The library's answer, a JSON text.

        What a policy prints stands in it and is never read: it may hold the content that is
        decided about.
        """
        evaluates = call in {EngineCall.DOCUMENT, EngineCall.QUERY}
        flags = NO_COVERAGE_NO_TRACE if evaluates else ()
        text = self._functions[call](self._handle, first, second, *flags)
        if not text:
            return b'{"error": {"message": "the engine gave no answer"}}'
        try:
            return ctypes.string_at(text)
        finally:
            self._library.OpaFreeString(text)


if __name__ == "__main__":
    main()
