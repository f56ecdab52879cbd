"""The policy engine's own process: runs OPA as a shared library and answers requests over pipes.

`embedded_engine` starts it as a new program, because the library's threads do not survive a fork,
and kills it at a deadline. It ends with its parent: a thread of its own waits for the end of the
standard input, so that even an endless evaluation is ended.
"""

import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from typing import BinaryIO

from opa_bindings import OpaEngine
from opa_bindings.engine import OpaError, OpaUndefinedError

from governance_svc.adapters.policy_engines import engine_frames
from phoenix_runtime.core.json import Json


def main() -> None:
    """Answer one request after the other until the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which ends this
    answers = _answer_pipe()
    requests: queue.SimpleQueue[Json] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(sys.stdin.buffer, requests), daemon=True).start()
    engine = OpaEngine()
    engine.print_handler = _discard_print
    while True:
        answers.write(engine_frames.encode(_answer(engine, requests.get())))
        answers.flush()


def _answer_pipe() -> BinaryIO:
    """The pipe for answers; whatever else prints writes to the standard error instead."""
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return pipe


def _read_requests(stream: BinaryIO, requests: "queue.SimpleQueue[Json]") -> None:
    try:
        while True:
            requests.put(engine_frames.read(stream))
    except (EOFError, OSError, ValueError):
        os._exit(0)


def _discard_print(_message: str, _location: str) -> None:
    """Discards what a policy prints, because it may hold the content that is decided about."""


def _answer(engine: OpaEngine, request: Json) -> Json:
    try:
        return {"value": _perform(engine, request)}
    except OpaUndefinedError:
        return {"value": None}
    except OpaError as error:
        return {"error": error.message}


def _perform(engine: OpaEngine, request: Json) -> Json:
    if not isinstance(request, Mapping):
        raise OpaError("invalid_argument", "the request is not an object")
    match request:
        case {"module": str(path), "source": str(source)}:
            engine.add_policy(path, source)
            return None
        case {"data": str(path), "value": value}:
            engine.add_data(value, path)
            return None
        case {"documents": [*paths]}:
            return _documents(engine, [str(path) for path in paths])
        case {"document": str(path), "input": value}:
            answer: Json = engine.eval_document(path, value)
            return answer
        case _:
            raise OpaError("invalid_argument", "the request is unknown")


def _documents(engine: OpaEngine, paths: list[str]) -> Json:
    """Each document, None where undefined; one query, because every new one compiles all."""
    listed = ", ".join(f"[x | x := data.{path}]" for path in paths)
    (bindings,) = engine.eval_query(f"answers := [{listed}]")
    return [values[0] if values else None for values in bindings["answers"]]


if __name__ == "__main__":
    main()
